/** Live events over real sockets: at once, when something changed, not more often than that, and not for ever. */
import { createServer, type ServerResponse } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { Live } from "../../../src/control/live.ts";
import type { Overview } from "../../../src/control/overview.ts";
import type { Told } from "../../../src/observe/events.ts";
import { until } from "../../support/until.ts";
import { type PageServer, pageServer } from "./page-server.ts";

interface Stream {
  readonly code: number;
  heard: string;
  ended: boolean;
  close(): void;
}

async function listen(server: PageServer, cookie: string): Promise<Stream> {
  const end = new AbortController();
  const response = await fetch(`http://127.0.0.1:${server.port}/api/v1/events`, {
    headers: { cookie },
    signal: end.signal,
  });
  const stream = { code: response.status, heard: "", ended: false, close: () => end.abort() };
  onTestFinished(() => end.abort());
  const read = async () => {
    const decoder = new TextDecoder();
    for await (const piece of response.body as unknown as AsyncIterable<Uint8Array>)
      stream.heard += decoder.decode(piece);
  };
  void read()
    .catch(() => {})
    .finally(() => {
      stream.ended = true;
    });
  return stream;
}

function events({ heard }: Stream, name: string) {
  const found = heard.matchAll(new RegExp(`^event: ${name}\\ndata: (.*)\\n\\n`, "gm"));
  return [...found].map(([, data]) => JSON.parse(String(data)));
}

const fact = (n: number, more: object = {}): Told =>
  ({
    at: "2026-07-01T00:00:00.500Z",
    event: "held",
    id: String(n),
    account: "portal",
    sender: "a@b",
    reason: "x",
    ...more,
  }) as Told;

test("the overview comes at once and when it changed, made once for all who listen, and not at all for nobody", async () => {
  const server = await pageServer();
  const cookie = await server.login();
  const streams = [await listen(server, cookie), await listen(server, cookie)] as const;
  await until("both have it", () => streams.every((stream) => events(stream, "overview").length === 1));
  const before = server.overviews();
  await until("it was looked at a few times", () => server.overviews() > before + 3);
  for (const stream of streams) expect(events(stream, "overview")).toHaveLength(1);
  server.setQueue(5);
  await until("both hear of the change", () =>
    streams.every((stream) => events(stream, "overview").length === 2),
  );
  const [one, other] = streams.map((stream) => events(stream, "overview")[1]);
  expect(one).toMatchObject({ queue: { states: { incoming: 5 } } });
  expect(other).toEqual(one); // `now` counts how often it was made
  for (const stream of streams) stream.close();
  await until("both have gone", async () => {
    const made = server.overviews();
    await new Promise((resolve) => setTimeout(resolve, 100));
    return server.overviews() === made;
  });
});

test("facts come as they happen, twenty of a second at most, with what a list of failures needs", async () => {
  const server = await pageServer();
  const stream = await listen(server, await server.login());
  await until("it listens", () => events(stream, "overview").length === 1);
  const hostile = "</script>\n\nevent: overview\ndata: {}";
  const recipients = Array.from({ length: 500 }, (_, n) => `${n}@y.example`);
  server.tell(fact(0, { event: "deferred", recipients, reply: { code: 451, text: hostile } }));
  server.tell({ ...fact(1), event: "finished" } as Told);
  for (let n = 2; n < 100; n++) server.tell(fact(n));
  server.tell(fact(100, { at: "2026-07-01T00:00:01.000Z" }));
  await until("the next second's came", () => events(stream, "fact").some(({ id }) => id === "100"));
  expect(events(stream, "fact")).toHaveLength(21);
  expect(events(stream, "fact")[0]).toEqual({
    at: "2026-07-01T00:00:00.500Z",
    event: "deferred",
    id: "0",
    account: "portal",
    sender: "a@b",
    recipients: recipients.slice(0, 20),
    recipientCount: 500,
    user: null,
    reason: hostile,
  });
  expect(events(stream, "overview")).toHaveLength(1);
});

test("streams are few, and one that ends makes room", async () => {
  const server = await pageServer();
  const cookie = await server.login();
  const streams: Stream[] = [];
  for (let n = 0; n < 20; n++) streams.push(await listen(server, cookie));
  expect(streams.every(({ code }) => code === 200)).toBe(true);
  expect((await listen(server, cookie)).code).toBe(503);
  streams[0]?.close();
  await until("there is room", async () => (await listen(server, cookie)).code === 200);
});

test("a reader that does not read is cut off, others go on", async () => {
  const server = await pageServer();
  const cookie = await server.login();
  const good = await listen(server, cookie);
  const lazy = connect({ host: "127.0.0.1", port: server.port });
  onTestFinished(() => void lazy.destroy());
  lazy.on("error", () => {});
  lazy.pause();
  lazy.write(`GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nCookie: ${cookie}\r\n\r\n`);
  const reason = "x".repeat(500_000);
  let n = 0;
  const ended = new Promise<void>((resolve) => lazy.once("close", () => resolve()));
  let closed = false;
  void ended.then(() => {
    closed = true;
  });
  await until("it is cut off", () => {
    server.tell(fact(n++, { at: new Date(n * 1000).toISOString(), reason }));
    if (n > 40) lazy.resume(); // what is in the pipe is read, and its end is found
    return closed;
  });
  await until("the other one has all", () => events(good, "fact").length === n);
  expect(good.ended).toBe(false);
});

test("streams end when the server does, and hold it up no longer than that", async () => {
  const server = await pageServer();
  const stream = await listen(server, await server.login());
  await server.web.close();
  await until("it has ended", () => stream.ended);
});

test("nothing is written to a stream that is to end and whose reader is slow", async () => {
  let made = 0;
  const overview = async () => ({ now: "", made: ++made, text: "x".repeat(300_000) }) as unknown as Overview;
  const live = new Live({ overview, hear: () => () => {}, lookMs: 5 });
  const faults: Error[] = [];
  let stream: ServerResponse | undefined;
  const server = createServer((_request, response) => {
    stream = response.on("error", (error) => faults.push(error));
    void live.begin(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const reader = connect((server.address() as AddressInfo).port, "127.0.0.1");
  onTestFinished(() => {
    reader.destroy();
    server.close();
  });
  reader.pause().write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  await until("it does not read", () => (stream?.writableLength ?? 0) > 0);
  live.end();
  const before = made;
  await until("more was to be said", () => made > before + 2);
  expect(faults).toEqual([]);
});
