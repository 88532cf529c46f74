/** Feeders that take each other's place, with real sessions: together they are as careful with a message as one is. */
import { expect, onTestFinished, test, vi } from "vitest";
import type { Config } from "../../../src/config/config.ts";
import { Feeders, type FeedersParts } from "../../../src/delivery/feeders.ts";
import type { Fetched, MessageClass } from "../../../src/queue/account-queue.ts";
import { startSandbox } from "../../../src/sandbox/simulator.ts";
import { Breaker } from "../../../src/upstream/breaker.ts";
import { testFolder } from "../../support/folder.ts";
import { entryFor, WIRE } from "../../support/messages.ts";
import { testSpool } from "../../support/spool.ts";
import { until } from "../../support/until.ts";

const WAITS = { firstMs: 1, maxMs: 1 };

/** Feeders of one account; `due` counts the messages that can be fetched, none of which has a file but where a test says so. */
async function setting() {
  const sandbox = await startSandbox({
    ...{ starttlsPort: 0, tlsPort: 0, dir: await testFolder(), username: "user", password: "secret" },
  });
  const elapsed = () => performance.now();
  const [account, upstream] = [new Breaker(WAITS, elapsed), new Breaker(WAITS, elapsed)];
  const jobs: { id: string; class: MessageClass }[] = [];
  const completed: string[] = [];
  const troubles: object[] = [];
  const opened = vi.fn(async (_id: string): Promise<unknown> => ({ ok: false, why: "gone" }));
  const parts = {
    queue: {
      account: "portal",
      due: async () => {
        const of = (name: MessageClass) => jobs.filter((job) => job.class === name).length;
        return { waiting: { urgent: of("urgent"), bulk: of("bulk") }, nextDueMs: undefined };
      },
      fetch: vi.fn(async (name: MessageClass): Promise<Fetched | undefined> => {
        const at = jobs.findIndex((job) => job.class === name);
        const [job] = at < 0 ? [] : jobs.splice(at, 1);
        return job && ({ ...job, known: true } as Fetched);
      }),
      complete: async ({ id, class: name }: Fetched) => void completed.push(`${id} ${name}`),
    },
    spool: { open: opened, remove: async () => {} },
    wasFinished: async () => true,
    events: {
      report: (event: string, said: object) => void (event === "trouble" && troubles.push(said)),
      fact: async () => {},
    },
    untold: { events: { fact: async () => {} }, now: Date.now, gap: { fromMs: 0, toMs: 0 }, told: new Set() },
    notices: { about: async () => {} },
    workedMs: () => 0,
    standing: {
      breakers: { account: () => account, upstream, pair: () => undefined },
      credentials: { of: () => ({ reveal: () => "secret" }) },
      years: { heldReason: () => undefined },
    },
    now: Date.now,
    elapsed,
    onTrouble: () => {},
  };
  const feeders = new Feeders({
    partsOf: () => parts as unknown as ReturnType<FeedersParts["partsOf"]>,
    elapsed,
  });
  const use = (hostname: string) =>
    feeders.use({
      hostname,
      upstream: {
        ...{ hosts: ["localhost"], port: sandbox.tlsPort, security: "tls", ca: sandbox.ca },
        ...{ sessions: 4, messagesPerSession: 100, replies: [] },
      },
      accounts: [{ name: "portal", username: "user", pace: { kind: "unlimited" } }],
      limits: { messageSizeBytes: 5000 },
      retry: { firstMs: 60_000, maxMs: 3_600_000, expireAfterMs: 86_400_000 },
      redis: { kind: "embedded" },
    } as unknown as Config);
  onTestFinished(async () => {
    await feeders.stop(AbortSignal.abort());
    await sandbox.close();
  });
  return { feeders, use, jobs, completed, opened, fetch: parts.queue.fetch, sandbox, troubles };
}

test("a feeder that takes another's place fetches nothing while somebody looks at what is active", async () => {
  const { feeders, use, jobs, fetch, sandbox } = await setting();
  use("before");
  await feeders.whileNotFetching("portal", async () => {
    use("after");
    jobs.push({ id: "one", class: "bulk" });
    feeders.wakeAll();
    await until("the new one has a session", () => sandbox.sessions.length > 0);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(fetch).not.toHaveBeenCalled();
  });
  await until("it goes on", () => fetch.mock.calls.length > 0);
});

test("a message that has two jobs is in one lane's hands at a time, also when the feeder was replaced meanwhile", async () => {
  const { feeders, use, jobs, completed, opened } = await setting();
  let letGo: () => void = () => {};
  opened.mockImplementationOnce(async () => {
    await new Promise<void>((resolve) => {
      letGo = resolve;
    });
    return { ok: false, why: "gone" };
  });
  use("before");
  jobs.push({ id: "one", class: "bulk" });
  feeders.wakeAll();
  await until("it is in hand", () => feeders.inHand("one"));
  use("after");
  jobs.push({ id: "one", class: "urgent" });
  feeders.wakeAll();
  await until("its other job is out of the way", () => completed.length === 1);
  expect(completed).toEqual(["one urgent"]);
  expect(opened).toHaveBeenCalledTimes(1);
  letGo();
  await until("it is done", () => !feeders.inHand("one"));
  expect(completed).toEqual(["one urgent", "one bulk"]);
});

test("a feeder whose place is taken writes down what the upstream said, however long the disk is full", async () => {
  const { feeders, use, jobs, completed, opened, sandbox, troubles } = await setting();
  const { spool } = await testSpool();
  const id = spool.newId();
  await spool.accept(entryFor(id), [WIRE]);
  let isFull = true;
  opened.mockImplementation(async () => {
    const found = await spool.open(id);
    if (!found.ok) return found;
    const append = found.message.append.bind(found.message);
    found.message.append = async (record) => {
      if (isFull) throw new Error("ENOSPC: no space left on device");
      await append(record);
    };
    return found;
  });
  use("before");
  jobs.push({ id, class: "bulk" });
  feeders.wakeAll();
  await until("it arrived, and the disk is full", () => troubles.length > 0);
  use("after");
  await until("it was tried again", () => troubles.length > 1 || !feeders.inHand(id));
  isFull = false;
  await until("its lane is done", () => !feeders.inHand(id));
  expect([completed, sandbox.arrived.length]).toEqual([[`${id} bulk`], 1]);
});
