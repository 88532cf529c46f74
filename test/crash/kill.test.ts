/**
 * Crashes in a loop, under load, at any moment: kill -9 of the agent, of Redis, of both; SIGTERM; SIGSTOP of Redis.
 * The oracle says whether promises P1 to P4 were kept; `npm run soak` makes hundreds of cycles and prints the figures
 * of docs/reliability.md.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { type Judgement, judge } from "../support/oracle.ts";
import { Relay } from "../support/relay.ts";
import type { LogLine } from "../support/relay-process.ts";
import { soaked } from "../support/runs.ts";
import { until } from "../support/until.ts";
import { arrivalOf, attemptsInDoubt, evidence } from "./journals.ts";
import { LATER_IS_BUSY, Load } from "./load.ts";

type Blow = "agent" | "redis" | "agent and redis" | "SIGTERM" | "SIGSTOP of redis";

/** The first five are what an ordinary run has; of all twenty, 17 kill the agent and 8 kill Redis. */
const BLOWS: readonly Blow[] = [
  ...(["agent", "agent and redis", "redis", "SIGTERM", "SIGSTOP of redis"] as const),
  ...(["agent", "agent and redis", "agent", "agent and redis", "agent"] as const),
  ...(["agent", "agent and redis", "agent", "agent and redis", "agent"] as const),
  ...(["agent and redis", "agent", "agent and redis", "agent", "agent"] as const),
];
const ROUNDS = soaked(5);
const ROUNDS_BETWEEN_LOOKS = 20;
const MAX_DELAY_MS = 1500;
const DRAIN_LIMIT_MS = 120_000;
const QUICK = "retry: { first: 1s, max: 2s, expireAfter: 4d }";

test("kill -9 of agent and Redis, SIGTERM and SIGSTOP, again and again under load, lose nothing and repeat only what was in doubt", async () => {
  const load = new Load();
  const startedMs = Date.now();
  const relay = await Relay.start({
    config: QUICK,
    fail: ["dot=delay 5ms", LATER_IS_BUSY],
    onArrived: (arrived) => load.arrived(arrivalOf(arrived)),
  });
  const doubtful: LogLine[] = [];
  const log: LogLine[] = []; // since the last look
  const takeLog = () => {
    const lines = relay.takeLog();
    log.push(...lines);
    doubtful.push(...lines.filter(({ inDoubt }) => inDoubt === true));
  };
  const blows: Blow[] = [];
  let judgement: Judgement | undefined;
  for (let round = 0; round < ROUNDS; round++) {
    const blow = BLOWS[round % BLOWS.length] as Blow;
    blows.push(blow);
    load.start(relay.port);
    await moment(load, round);
    await strike(relay, blow, () => load.stop());
    takeLog();
    if (round % ROUNDS_BETWEEN_LOOKS !== ROUNDS_BETWEEN_LOOKS - 1 && round !== ROUNDS - 1) continue;
    await spoolEmpty(relay);
    takeLog();
    judgement = judge({ ...journals(load), inDoubt: attemptsInDoubt(doubtful) });
    if (judgement.verdict === "broken")
      throw new Error(evidence(judgement.faults, { ...journals(load), log }));
    log.length = 0;
  }
  if (!judgement) throw new Error("Cannot judge as there was no round");
  if (ROUNDS > 5) console.log(figures(blows, judgement, Date.now() - startedMs));
  const { submissions } = load;
  // Without each kind of submission the oracle had nothing to look at.
  for (const saw of ["accepted", "refused", "never finished"] as const)
    expect(
      submissions.some((submission) => submission.saw === saw),
      saw,
    ).toBe(true);
  expect(judgement.accepted).toBeGreaterThan(ROUNDS * 10);
});

test("SIGTERM under load, said twice, and once more after the restart, loses nothing and repeats nothing", async () => {
  const load = new Load();
  const relay = await Relay.start({
    config: QUICK,
    fail: ["dot=delay 10ms", LATER_IS_BUSY],
    onArrived: (arrived) => load.arrived(arrivalOf(arrived)),
  });
  for (const times of [1, 2]) {
    const before = load.arrivals.length;
    load.start(relay.port);
    await until("it is busy", () => load.arrivals.length > before + 30);
    expect(await Promise.all([relay.down(), relay.down()])).toEqual([0, 0]);
    await load.stop();
    expect(relay.events("stopped")).toHaveLength(times);
    await relay.up();
  }
  await spoolEmpty(relay);
  const judgement = judge({ ...journals(load), inDoubt: attemptsInDoubt(relay.log) });
  expect(judgement).toMatchObject({ verdict: "kept", faults: [], repeated: 0, inDoubt: 0 });
});

/** A moment to strike at: in three rounds of four delivery is at work, in the others perhaps not yet. */
async function moment(load: Load, round: number): Promise<void> {
  const before = load.arrivals.length;
  if (round % 4 !== 3) await until("mail is delivered", () => load.arrivals.length > before + 10, 60_000);
  await sleep(Math.random() ** 2 * MAX_DELAY_MS);
}

/** Strikes; afterwards no client is at work, and an agent runs. */
async function strike(relay: Relay, blow: Blow, stopLoad: () => Promise<void>): Promise<void> {
  const redis = blow === "agent" ? 0 : await until("Redis runs", () => relay.redisProcess());
  switch (blow) {
    case "agent":
    case "agent and redis":
      await relay.kill(blow);
      await stopLoad();
      return relay.up();
    case "redis":
      await relay.kill(blow);
      await sleep(Math.random() * MAX_DELAY_MS);
      return stopLoad();
    case "SIGTERM":
      expect(await relay.down()).toBe(0);
      await stopLoad();
      return relay.up();
    case "SIGSTOP of redis":
      process.kill(redis, "SIGSTOP");
      await sleep(1000 + Math.random() * 2000);
      process.kill(redis, "SIGCONT");
      return stopLoad();
  }
}

async function spoolEmpty(relay: Relay): Promise<void> {
  const spool = join(relay.stateDir, "spool");
  await until("the spool is empty", async () => (await readdir(spool)).length === 0, DRAIN_LIMIT_MS);
}

function journals({ submissions, arrivals }: Load) {
  return { submissions, arrivals };
}

/** One line for docs/reliability.md. */
function figures(blows: readonly Blow[], judged: Judgement, durationMs: number): string {
  const count = (...kinds: Blow[]) => blows.filter((blow) => kinds.includes(blow)).length;
  const { accepted, lost, ghosts, repeated, corrupted, inDoubt } = judged;
  const cycles = [
    `${count("agent", "agent and redis")} kill -9 of the agent`,
    `${count("redis", "agent and redis")} kill -9 of Redis`,
    `${count("SIGTERM")} SIGTERM`,
    `${count("SIGSTOP of redis")} SIGSTOP of Redis`,
  ];
  const found = [
    `${accepted} accepted`,
    `${lost} lost`,
    `${ghosts} ghosts`,
    `${corrupted} corrupted`,
    `${repeated} repeated`,
    `${inDoubt} in doubt`,
  ];
  const minutes = (durationMs / 60_000).toFixed(1);
  return `${blows.length} cycles (${cycles.join(", ")}): ${found.join(", ")}; ${minutes} min`;
}
