/** What `trace` finds in a journal, and how `GET /api/v1/trace` answers. */
import { request } from "node:http";
import type { AddressInfo } from "node:net";
import { fastify } from "fastify";
import { expect, onTestFinished, test } from "vitest";
import { tellErrors } from "../../../src/control/api.ts";
import type { QueueSource } from "../../../src/control/queue-view.ts";
import { type TraceAnswer, type TraceQuestion, trace } from "../../../src/control/trace.ts";
import { Searches, serveTrace } from "../../../src/control/trace-api.ts";
import type { JournalLine } from "../../../src/journal/journal.ts";
import { queueIdMaker } from "../../../src/spool/queue-id.ts";
import { testFolder } from "../../support/folder.ts";
import { write } from "../../support/journal-lines.ts";
import { accepted, attempt, fact, refused } from "../../support/trace-facts.ts";
import { until } from "../../support/until.ts";

const NOON = Date.UTC(2026, 2, 31, 12);
const DAY_MS = 86_400_000;
const iso = (ms: number) => new Date(ms).toISOString();
const idAt = (ms: number) => queueIdMaker({ now: () => ms, random: Math.random })();

interface Sent {
  readonly id: string;
  readonly lines: readonly JournalLine[];
}

/** A message that was accepted then, and delivered a second later, or when it is said. */
function sent(acceptedMs: number, to: string, deliveredMs = acceptedMs + 1000): Sent {
  const id = idAt(acceptedMs);
  const lines = [
    accepted({ at: iso(acceptedMs), id, recipients: [to], messageId: `<${id}@app01.lab.example>` }),
    attempt("delivered", { at: iso(deliveredMs), id, recipients: [to] }),
    fact("finished", { at: iso(deliveredMs), id }),
  ];
  return { id, lines };
}

async function journalOf(...lines: readonly JournalLine[]): Promise<string> {
  const folder = await testFolder();
  await write(folder, ...lines);
  return folder;
}

async function ask(
  folder: string,
  question: Partial<TraceQuestion> & { term: string },
): Promise<TraceAnswer> {
  return trace({ folder, queued: async () => undefined }, { limit: 20, ...question });
}

const idsIn = ({ messages }: TraceAnswer) => messages.map(({ id }) => id);

test("a message is found by id, Message-ID, sender, From, recipient and domain, with its whole life", async () => {
  const one = sent(NOON, "dean@example.org", NOON + 2 * DAY_MS);
  const other = sent(NOON + 1, "bob@other.example");
  const folder = await journalOf(...one.lines, ...other.lines);
  for (const term of [one.id, `<${one.id}@app01.lab.example>`, "DEAN@example.org", "@example.org"]) {
    const { messages } = await ask(folder, { term });
    expect([term, messages]).toMatchObject([
      term,
      [{ id: one.id, state: "delivered", recipients: ["dean@example.org"] }],
    ]);
    expect(messages[0]?.facts).toEqual(one.lines);
  }
  for (const term of ["app@lab.example", "news@lab.example", "@lab.example"])
    expect(idsIn(await ask(folder, { term }))).toEqual([other.id, one.id]);
  expect((await ask(folder, { term: "nobody@example.org" })).from).toBe("2026-03-31");
});

test("each refusal stands alone, found by what is known of it", async () => {
  const first = refused({
    at: iso(NOON),
    sender: "root@Elsewhere.example",
    recipients: ["dean@example.org"],
  });
  const second = refused({
    at: iso(NOON + 1),
    sender: "root@Elsewhere.example",
    messageId: "<r@x>",
    id: idAt(NOON),
  });
  const folder = await journalOf(first, second);
  expect(await ask(folder, { term: "root@elsewhere.example" })).toMatchObject({
    messages: [
      { state: "rejected", messageId: "<r@x>", facts: [second] },
      { id: null, state: "rejected", facts: [first] },
    ],
  });
  expect((await ask(folder, { term: "dean@example.org" })).messages).toHaveLength(1);
  expect((await ask(folder, { term: "r@x" })).messages).toHaveLength(1);
});

test("the newest come first, as many as are asked for; it is said when there is more", async () => {
  const messages = Array.from({ length: 5 }, (_, n) => sent(NOON + n * DAY_MS, "dean@example.org"));
  const folder = await journalOf(...messages.flatMap(({ lines }) => lines));
  const ids = messages.map(({ id }) => id).reverse();
  const some = await ask(folder, { term: "dean@example.org", limit: 3 });
  expect([idsIn(some), some.more]).toEqual([ids.slice(0, 3), true]);
  const all = await ask(folder, { term: "dean@example.org", limit: 5 });
  expect([idsIn(all), all.more]).toEqual([ids, false]);
});

test("since and until choose by the news; the life that is shown is whole", async () => {
  const early = sent(NOON, "dean@example.org", NOON + 3 * DAY_MS);
  const late = sent(NOON + DAY_MS, "dean@example.org");
  const folder = await journalOf(...early.lines, ...late.lines);
  const asked = async (sinceMs: number, untilMs: number) =>
    ask(folder, { term: "dean@example.org", sinceMs, untilMs });
  expect(idsIn(await asked(NOON, NOON))).toEqual([early.id]);
  expect((await asked(NOON, NOON)).messages[0]?.facts).toHaveLength(3);
  expect(idsIn(await asked(NOON + 1, NOON + 2 * DAY_MS))).toEqual([late.id]);
  expect(idsIn(await asked(NOON + 2 * DAY_MS, NOON + 4 * DAY_MS))).toEqual([early.id]);
  expect(idsIn(await asked(NOON - 2, NOON - 1))).toEqual([]);
});

test("an id that is ahead of the clock, which was set back, has its whole life too", async () => {
  const { id, lines } = sent(NOON, "dean@example.org");
  const ahead = idAt(NOON + 40 * DAY_MS);
  const later = sent(NOON + DAY_MS, "bob@example.org");
  const folder = await journalOf(...lines.map((line) => ({ ...line, id: ahead })), ...later.lines);
  expect((await ask(folder, { term: ahead })).messages[0]?.facts).toHaveLength(3);
  expect(idsIn(await ask(folder, { term: id }))).toEqual([]);
});

test("a message that bounced comes with its notice, and the notice says what it is about", async () => {
  const id = idAt(NOON);
  const notice = sent(NOON + 2000, "app@lab.example");
  const [begin, ...rest] = notice.lines as [JournalLine, ...JournalLine[]];
  const folder = await journalOf(
    accepted({ at: iso(NOON), id }),
    attempt("bounced", { at: iso(NOON + 1000), id }),
    { ...begin, notice: { kind: "failure", of: id } } as JournalLine,
    ...rest,
  );
  const { messages } = await ask(folder, { term: id });
  expect(messages).toMatchObject([
    { id: notice.id, state: "delivered", notice: { kind: "failure", of: id } },
    { id, state: "bounced", notices: [{ id: notice.id, kind: "failure", recipients: ["app@lab.example"] }] },
  ]);
  expect((await ask(folder, { term: "ann@example.org" })).messages).toMatchObject([
    { id, notices: [{ id: notice.id }] },
  ]);
});

test("what is still in the queue is as the queue says", async () => {
  const id = idAt(NOON);
  const folder = await journalOf(accepted({ at: iso(NOON), id }));
  const row = { state: "held", reason: "its pair is stopped", nextAttempt: iso(NOON + 5) } as const;
  const queued = async (asked: string) => (asked === id ? ({ ...row, id } as never) : undefined);
  const { messages } = await trace({ folder, queued }, { term: id, limit: 1 });
  expect(messages).toMatchObject([{ ...row, inQueue: true }]);
  expect((await ask(folder, { term: id })).messages).toMatchObject([
    { state: "incoming", inQueue: false, reason: null },
  ]);
});

test("without a journal nothing is found, and nothing remembered", async () => {
  expect(await ask(`${await testFolder()}/none`, { term: "x@example.org" })).toEqual({
    messages: [],
    more: false,
    from: null,
  });
});

/** The API over a journal; `glance` is asked how a message stands in the queue. */
async function served(
  folder: string,
  glance: QueueSource["spool"]["glance"] = async () => ({ ok: false, why: "gone" }),
  searches = new Searches(),
) {
  const server = fastify({ forceCloseConnections: true });
  onTestFinished(() => server.close());
  tellErrors(server);
  serveTrace(server, {
    source: {
      spool: { ids: async () => [], glance },
      now: () => NOON,
      active: () => false,
      outlook: async () => undefined,
      pairStopped: () => undefined,
    },
    journalFolder: folder,
    searches,
  });
  const get = (query: Record<string, string>) => server.inject({ path: "/api/v1/trace", query });
  return { server, get };
}

test("the API answers as the command does, many askers one after the other", async () => {
  const { id, lines } = sent(NOON - 60_000, "dean@example.org");
  const { get } = await served(await journalOf(...lines));
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => get({ term: "<dean@example.org>", since: "2h" })),
  );
  for (const answer of answers)
    expect(answer.json()).toMatchObject({
      messages: [{ id, state: "delivered" }],
      more: false,
      from: "2026-03-31",
    });
  expect((await get({ term: id, until: "1h" })).json().messages).toEqual([]);
});

test("the API refuses what it cannot look for, and more askers than may wait", async () => {
  const { lines } = sent(NOON, "dean@example.org");
  const { get } = await served(await journalOf(...lines));
  const term = "dean@example.org";
  for (const query of [{}, { term: " " }, { term, limit: "0" }, { term, limit: "101" }] as Record<
    string,
    string
  >[])
    expect((await get(query)).statusCode).toBe(400);
  const wrong = await get({ term, since: "yesterday" });
  expect([wrong.statusCode, wrong.json().error]).toEqual([
    400,
    expect.stringContaining("since is no time: write"),
  ]);
  const codes = (await Promise.all(Array.from({ length: 15 }, () => get({ term })))).map(
    ({ statusCode }) => statusCode,
  );
  expect(codes.filter((code) => code === 503)).toHaveLength(5);
  expect((await get({ term })).statusCode).toBe(200);
});

test("a search whose asker goes away while it waits for its turn is never begun", async () => {
  const [one, two, three] = [NOON, NOON + 1, NOON + 2].map((ms) => sent(ms, "dean@example.org")) as [
    Sent,
    Sent,
    Sent,
  ];
  const folder = await journalOf(...[one, two, three].flatMap(({ lines }) => lines));
  const begun: string[] = [];
  let goOn = () => {};
  const waits = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const { server, get } = await served(folder, async (id) => {
    begun.push(id);
    if (id === one.id) await waits;
    return { ok: false, why: "gone" };
  });
  await server.listen({ host: "127.0.0.1", port: 0 });
  const { port } = server.server.address() as AddressInfo;
  let closed = false;
  server.server.on("connection", (socket) => socket.once("close", () => (closed = true)));
  const first = get({ term: one.id });
  await until("the first is begun", () => begun.length === 1);
  const asked = request({ port, path: `/api/v1/trace?term=${two.id}` }).on("error", () => {});
  asked.end();
  let came = false;
  server.server.once("request", () => (came = true));
  await until("the second has come", () => came);
  const third = get({ term: three.id });
  asked.destroy();
  await until("its asker is gone", () => closed);
  goOn();
  expect((await first).json().messages).toHaveLength(1);
  expect((await third).json().messages).toHaveLength(1);
  expect(begun).toEqual([one.id, three.id]);
});

test("the socket of the commands and the page's server take turns: they search one journal", async () => {
  const { id, lines } = sent(NOON, "dean@example.org");
  const folder = await journalOf(...lines);
  const [searches, begun, goOn] = [new Searches(), [] as string[], [] as (() => void)[]];
  const servers = ["socket", "page"].map((name) =>
    served(
      folder,
      async () => {
        begun.push(name);
        await new Promise<void>((resolve) => goOn.push(resolve));
        return { ok: false, why: "gone" };
      },
      searches,
    ),
  );
  const answers = (await Promise.all(servers)).map(({ get }) => get({ term: id }));
  for (const name of ["socket", "page"]) {
    await until(`the search of the ${name} is begun`, () => begun.includes(name));
    expect(begun.at(-1)).toBe(name);
    expect(goOn).toHaveLength(1);
    goOn.pop()?.();
    await answers.shift();
  }
});
