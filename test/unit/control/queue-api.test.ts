import { request } from "node:http";
import { join } from "node:path";
import { fastify } from "fastify";
import { expect, onTestFinished, test } from "vitest";
import { tellErrors } from "../../../src/control/api.ts";
import { serveQueue } from "../../../src/control/queue-api.ts";
import type { QueueFigures } from "../../../src/control/queue-stats.ts";
import type { QueueSource } from "../../../src/control/queue-view.ts";
import type { SpoolRecord } from "../../../src/spool/entry.ts";
import type { Verb, VerbResult } from "../../../src/spool/verb.ts";
import { testFolder } from "../../support/folder.ts";
import { address, entryFor, WIRE } from "../../support/messages.ts";
import { testSpool } from "../../support/spool.ts";
import { until } from "../../support/until.ts";

const BOUNCED: SpoolRecord = {
  at: 1,
  event: "bounced",
  recipients: [address("bob@example.org")],
  reason: "out of date",
};
const NONE = { incoming: 0, active: 0, deferred: 0, held: 0, bounced: 0 };

const FIGURES: QueueFigures = {
  counts: async () => [],
  bounced: async () => new Set(),
  budgets: async () => ({ portal: { used: 4, perHour: 500 } }),
};

function sourceOf(spool: QueueSource["spool"]): QueueSource {
  return {
    spool,
    now: () => 100_000,
    active: () => false,
    outlook: async () => undefined,
    pairStopped: () => undefined,
  };
}

/** The API on a spool with one message for each of these lists of records; what it asks of delivery is as said. */
async function api(
  messages: readonly (readonly SpoolRecord[])[],
  parts: { figures?: Partial<QueueFigures>; apply?: (verb: Verb, id: string) => Promise<VerbResult> } = {},
) {
  const { spool } = await testSpool({ maxMessages: 1000 });
  const ids: string[] = [];
  for (const records of messages) {
    const id = spool.newId();
    ids.push(id);
    await spool.accept(entryFor(id, { timeMs: 1000 * ids.length }), [WIRE]);
    const opened = await spool.open(id);
    if (!opened.ok) throw new Error("not there");
    for (const record of records) await opened.message.append(record);
    await opened.message.close();
  }
  const source = sourceOf(spool);
  const figures = { ...FIGURES, ...parts.figures };
  const server = fastify();
  onTestFinished(() => server.close());
  const apply = parts.apply ?? (async () => ({ done: true, was: "pending", is: "held" }));
  tellErrors(server);
  serveQueue(server, { source, figures, apply });
  const get = async (url: string) => {
    const answer = await server.inject(url);
    return { status: answer.statusCode, body: answer.json() };
  };
  const post = async (url: string, payload: object) => {
    const answer = await server.inject({ method: "POST", url, payload });
    return { status: answer.statusCode, body: answer.json() };
  };
  return { ids, get, post };
}

test("counts come from Redis, what has no job yet counts as incoming, and the oldest is the first that waits", async () => {
  const states = { ...NONE, held: 1, bounced: 1 };
  const { get } = await api([[BOUNCED], [], []], {
    figures: {
      counts: async () => [
        { account: "portal", states },
        { account: null, states: NONE },
      ],
    },
  });
  expect((await get("/api/v1/queue/stats")).body).toEqual({
    states: { ...states, incoming: 1 },
    oldest: 98,
    budget: { portal: { used: 4, perHour: 500 } },
  });
});

test("behind many that bounced, the oldest that waits is found without opening them all", async () => {
  const messages = [...Array.from({ length: 80 }, () => [BOUNCED]), []];
  const bounced = new Set<string>();
  const { ids, get } = await api(messages, { figures: { bounced: async () => bounced } });
  for (const id of ids.slice(0, 80)) bounced.add(id);
  expect((await get("/api/v1/queue/stats")).body.oldest).toBe(100 - 81);
});

test("while Redis does not answer stats are 503, and the files are counted by slices", async () => {
  const away = () => Promise.reject(new Error("Cannot count as Redis does not answer"));
  const { ids, get } = await api([[BOUNCED], [], []], { figures: { counts: away } });
  expect(await get("/api/v1/queue/stats")).toMatchObject({ status: 503, body: { error: /Redis/ } });
  expect((await get("/api/v1/queue/count")).body).toEqual({
    states: { ...NONE, incoming: 2, bounced: 1 },
    oldest: 98,
    next: null,
  });
  expect((await get(`/api/v1/queue/count?after=${ids[1]}`)).body).toMatchObject({
    states: { ...NONE, incoming: 1 },
  });
});

test("a verb on many answers for each id, in order; trouble with one leaves the others alone", async () => {
  const asked: string[] = [];
  const { ids, post } = await api([[], [], []], {
    apply: async (verb, id) => {
      asked.push(`${verb} ${id}`);
      if (asked.length === 2) throw new Error("ENOSPC");
      return { done: true, was: "pending", is: "held" };
    },
  });
  const done = { done: true, was: "pending", is: "held" };
  expect((await post("/api/v1/queue/bulk/hold", { ids: [...ids, "../etc"] })).body.results).toEqual([
    { id: ids[0], ...done },
    { id: ids[1], done: false, refused: "failed", why: "the agent could not do it: ENOSPC" },
    { id: ids[2], ...done },
    { id: "../etc", done: false, refused: "gone", why: "../etc is not a queue id" },
  ]);
  expect(asked).toEqual(ids.map((id) => `hold ${id}`));
});

test("a verb on many ends with the connection: an agent that stops touches nothing more", async () => {
  const folder = await testFolder();
  const socketPath = join(folder, "control.sock");
  const asked: string[] = [];
  let done: (result: VerbResult) => void = () => {};
  const apply = (_verb: Verb, id: string) => {
    asked.push(id);
    return new Promise<VerbResult>((resolve) => {
      done = resolve;
    });
  };
  const { spool } = await testSpool();
  const source = sourceOf(spool);
  const server = fastify({ forceCloseConnections: true });
  serveQueue(server, { source, figures: FIGURES, apply });
  await server.listen({ path: socketPath });
  const headers = { "content-type": "application/json" };
  const client = request({ socketPath, path: "/api/v1/queue/bulk/hold", method: "POST", headers });
  const closed = new Promise((resolve) => client.on("error", () => {}).on("close", resolve));
  client.end(JSON.stringify({ ids: [spool.newId(), spool.newId()] }));
  await until("the first one is under way", () => asked.length === 1);
  await server.close();
  await closed;
  done({ done: true, was: "pending", is: "held" });
  await new Promise((resolve) => setImmediate(resolve));
  expect(asked).toHaveLength(1);
});

test.each([
  ["/api/v1/queue/bulk/explode", { ids: ["x"] }, 404],
  ["/api/v1/queue/bulk/hold", { ids: [] }, 400],
  ["/api/v1/queue/bulk/hold", { ids: Array.from({ length: 501 }, () => "x") }, 400],
  ["/api/v1/queue/bulk/hold", { ids: ["x"], reason: "x".repeat(201) }, 400],
  ["/api/v1/queue/bulk/hold", { ids: ["x"], all: true }, 400],
])("POST %s of %j is refused", async (url, body, status) => {
  const { post } = await api([]);
  expect((await post(url, body)).status).toBe(status);
});

test.each(["?limit=0", "?limit=99999", "?state=lost", "?verb=explode", "?olderThanMs=-1"])(
  "GET /api/v1/queue%s is refused",
  async (query) => {
    const { get } = await api([]);
    expect((await get(`/api/v1/queue${query}`)).status).toBe(400);
    expect((await get("/api/v1/queue?limit=5&state=held")).status).toBe(200);
  },
);
