/**
 * The pacer and its script against a plain list of the MAILs that were said (pace-model.ts), over random arrivals,
 * weights, classes, hosts, restarts, losses of Redis and jumps of its clock (pace-world.ts).
 *
 * Promises: time is the test's, the script and Redis are real. That the checks can fail is shown by mutations.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { bucketsOf, transactionRecipients } from "../../src/schedule/pace.ts";
import { limitsOf, type Paced, paceFaults } from "../support/pace-model.ts";
import { type Message, type Mutation, World } from "../support/pace-world.ts";
import { redisForTests } from "../support/redis.ts";
import { soaked } from "../support/runs.ts";

const redis = redisForTests();
const MINUTE_MS = 60_000;
const LARGEST = 1000;
/** Worlds that are at work at once. */
const TOGETHER = 20;
/** Of all hosts in a backlog: more would be a host that asks and asks. */
const MOST_TRIES = 5000;

type Step =
  | { readonly do: "backlog"; readonly minutes: number; readonly refunds: number }
  | { readonly do: "rest"; readonly minutes: number }
  | { readonly do: "restart"; readonly host: number; readonly instance: "same" | "new" }
  | { readonly do: "keep state" | "roll back" | "flush" }
  | { readonly do: "jump"; readonly minutes: number }
  | { readonly do: "jump of a host"; readonly host: number; readonly minutes: number };

interface Case {
  readonly pace: Paced;
  readonly hosts: number;
  readonly messages: readonly Message[];
  readonly lateMs: readonly number[];
  readonly steps: readonly Step[];
}

const pace: fc.Arbitrary<Paced> = fc
  .record({
    perHour: fc.oneof(fc.integer({ min: 2, max: 8 }), fc.integer({ min: 2, max: 20 })),
    burst: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 19 })),
    recipientsPerHour: fc.option(fc.integer({ min: 2, max: 400 }), { nil: undefined }),
    bytesPerHour: fc.option(fc.integer({ min: 2 * LARGEST, max: 40 * LARGEST }), { nil: undefined }),
    urgentShare: fc.constantFrom(0, 0, 0.1, 0.2, 0.5, 0.9),
  })
  .map(({ perHour, burst, recipientsPerHour, bytesPerHour, urgentShare }) => ({
    kind: "paced",
    perHour,
    burst: Math.min(burst, perHour - 1),
    urgentShare,
    ...(recipientsPerHour === undefined ? {} : { recipientsPerHour }),
    ...(bytesPerHour === undefined ? {} : { bytesPerHour }),
  }));

/** Some are larger than what may go at once, as an older config let them in. */
const message = (largest: number) =>
  fc.record({
    class: fc.constantFrom("urgent", "bulk", "bulk"),
    recipients: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 100 })),
    bytes: fc.integer({ min: 1, max: largest }),
  });

const host = fc.nat({ max: 2 });
const minutes = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 70 }));
const far = fc.oneof(minutes, fc.integer({ min: 1, max: 3000 }));
const jump = far.chain((far) => fc.constantFrom(-far, -far, far));
const busy: fc.Arbitrary<Step> = fc.record({
  do: fc.constant("backlog"),
  minutes: fc.integer({ min: 5, max: 70 }),
  refunds: fc.constantFrom(0, 0, 0.4),
});
const rest: fc.Arbitrary<Step> = fc.record({
  do: fc.constant("rest"),
  minutes: fc.integer({ min: 1, max: 100 }),
});
const blow: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant("restart"), host, instance: fc.constantFrom("same", "new") }),
  fc.record({ do: fc.constantFrom("keep state", "roll back", "flush") }),
  fc.record({ do: fc.constantFrom("jump"), minutes: jump }),
  fc.record({ do: fc.constant("jump of a host"), host, minutes: jump }),
) as fc.Arbitrary<Step>;
/** What is owed is paid, then there is a backlog, again and again, and something happens in it. */
const story = (happens: fc.Arbitrary<Step>): fc.Arbitrary<Step[]> =>
  fc
    .tuple(rest, busy, fc.array(fc.tuple(happens, busy), { maxLength: 4 }))
    .map(([first, second, then]) => [first, second, ...then.flat()]);

const lateMs = fc.array(fc.oneof(fc.nat({ max: 50 }), fc.nat({ max: 5000 })), { minLength: 1, maxLength: 7 });
const aCase: fc.Arbitrary<Case> = fc.record({
  pace,
  hosts: fc.constantFrom(1, 1, 2, 3),
  messages: fc.array(message(LARGEST), { minLength: 1, maxLength: 12 }),
  lateMs,
  steps: story(fc.oneof({ weight: 5, arbitrary: blow }, rest)),
});
/** Larger messages, and no losses: what they owe is more than a burst, which is what a loss of Redis is taken to cost. */
const heavyCase: fc.Arbitrary<Case> = fc.record({
  pace: pace.map((one): Paced => ({ ...one, bytesPerHour: 4 * LARGEST })),
  hosts: fc.constantFrom(1, 2),
  messages: fc.array(fc.oneof(message(LARGEST), message(4 * LARGEST)), { minLength: 1, maxLength: 12 }),
  lateMs,
  steps: story(rest),
});

/** Every host has a backlog: it sends as soon as it is told it may. */
async function backlog(world: World, { messages, lateMs, hosts }: Case, step: Step & { do: "backlog" }) {
  const most = transactionRecipients(world.options.pace);
  const endMs = world.nowMs + step.minutes * MINUTE_MS;
  const readyMs = Array.from({ length: hosts }, () => world.nowMs);
  const sent = readyMs.map((_, at) => at);
  for (let n = 0; ; n++) {
    if (n === MOST_TRIES) throw new Error(`${n} tries in ${step.minutes} minutes: a wait is too short`);
    const soonest = Math.min(...readyMs);
    if (soonest > endMs) return world.until(endMs);
    const at = readyMs.indexOf(soonest);
    await world.until(soonest);
    const next = messages[(sent[at] as number) % messages.length] as Message; // the same until it went
    const late = lateMs[n % lateMs.length] as number;
    const refunded = (n * 0.618) % 1 < step.refunds;
    const { waitMs, went } = await world
      .host(at)
      .send(
        { ...next, recipients: Math.min(next.recipients, most) },
        refunded ? { refundAfterMs: late * 100 } : { mailAfterMs: late },
      );
    if (went) sent[at] = (sent[at] as number) + 1;
    readyMs[at] = world.nowMs + Math.max(waitMs, 2);
  }
}

async function take(world: World, what: Case, step: Step): Promise<void> {
  switch (step.do) {
    case "backlog":
      return backlog(world, what, step);
    case "rest":
      return world.until(world.nowMs + step.minutes * MINUTE_MS);
    case "restart":
      return world.host(step.host).restart(step.instance);
    case "keep state":
      return world.keepState();
    case "roll back":
      return world.rollBack();
    case "flush":
      return world.flush();
    case "jump":
      return world.jump(step.minutes * MINUTE_MS);
    case "jump of a host":
      world.host(step.host).offsetMs += step.minutes * MINUTE_MS;
  }
}

/** What the pace was found to allow that it must not. */
async function faultsOf(what: Case, mutation?: Mutation): Promise<string[]> {
  const { pace, hosts } = what;
  await using world = new World(redis.client(), {
    pace,
    largestBytes: LARGEST,
    hosts,
    ...(mutation && { mutation }),
  });
  for (const step of what.steps) await take(world, what, step);
  const buckets = new Map(bucketsOf(pace, LARGEST).map((bucket) => [bucket.measure, bucket]));
  return limitsOf(pace, buckets).flatMap((limit) => paceFaults(limit, world.said, world.exceptions));
}

/** Any number of worlds at once, which is quicker, and shrinks to the one that is at fault. */
const worlds = (mutation?: Mutation, cases = fc.oneof({ weight: 5, arbitrary: aCase }, heavyCase)) =>
  fc.asyncProperty(
    fc.array(fc.noBias(cases), {
      minLength: 1,
      maxLength: TOGETHER,
      size: "max",
    }),
    async (cases) => {
      const faults = await Promise.all(cases.map((one) => faultsOf(one, mutation)));
      counted += cases.length;
      expect(faults.flat()).toEqual([]);
    },
  );
let counted = 0;

test("no 60 minutes ever hold more than the caps, nor a minute more than its part and a burst, whatever happens", async () => {
  const enough = soaked(2000);
  await fc.assert(worlds(), { numRuns: enough / 8 });
  expect(counted).toBeGreaterThanOrEqual(enough);
}, 600_000);

/** Redis comes back as it was before a backlog, which none of its hosts knows all of. */
const olderState = aCase.map(
  (one): Case => ({
    ...one,
    hosts: 3,
    messages: one.messages.slice(0, 1),
    steps: [
      { do: "backlog", minutes: 1, refunds: 0 }, // without it there is no state to keep
      { do: "rest", minutes: 300 },
      { do: "keep state" },
      { do: "backlog", minutes: 40, refunds: 0 },
      { do: "roll back" },
      { do: "backlog", minutes: 30, refunds: 0 },
    ],
  }),
);

const MUTATIONS: Readonly<Record<string, Mutation>> = {
  "a tolerance of one message more": {
    script: (text) =>
      text.replace(
        "measure.cost - measure.allowance - now",
        "measure.cost - measure.allowance - measure.least - now",
      ),
  },
  "a burst that is lent to what is larger than it": {
    script: (text) => text.replace("free = measure.tat end", "free = now end"),
  },
  "debts that are forgotten when the clock goes back": {
    script: (text) => text.replace("text(all[i + 1] - back)", "text(now)"),
  },
  "a loss that is not noticed": {
    script: (text) => text.replace("then return { 2, 0 }", "then return { 1, 0 }"),
  },
  "a loss that costs nothing where hosts share": {
    script: (text) => text.replace("local lost = run ~= ''", "local lost = false"),
  },
  "another run of Redis that is not noticed": { script: (text) => text.replace("or state[2] ~= run", "") },
  "a journal that is not asked": { forgetsJournal: true },
  "bulk mail that is charged as urgent": {
    script: (text) =>
      text.replace(
        "if mode == 'ask' then",
        "if ARGV[#ARGV - 3] == 'bulk' then measures[#measures] = nil end\nif mode == 'ask' then",
      ),
  },
};

test.each(Object.keys(MUTATIONS))(
  "the checks see %s",
  async (name) => {
    const result = await fc.check(
      worlds(MUTATIONS[name], name.includes("another run") ? olderState : undefined),
      { numRuns: 600, endOnFailure: true },
    );
    expect(result.failed).toBe(true);
  },
  60_000,
);

/** The part of what its class may use that a backlog did use, of the measure that was scarcest. */
async function utilisation(what: Case): Promise<number> {
  const { pace, hosts, messages } = what;
  await using world = new World(redis.client(), { pace, largestBytes: LARGEST, hosts });
  await backlog(world, what, { do: "backlog", minutes: 30, refunds: 0 });
  const fromMs = world.nowMs;
  const passes = Math.ceil((200 * 60) / pace.perHour); // some 200 intervals
  for (let n = 0; n < 4; n++) {
    await backlog(world, what, { do: "backlog", minutes: passes / 4, refunds: 0 });
    world.host(n).restart(n % 2 ? "same" : "new");
  }
  const name = messages.every((one) => one.class === "urgent") ? "urgent" : "bulk";
  const buckets = new Map(
    bucketsOf(pace, LARGEST)
      .filter(({ measure }) => measure !== "bulk" || name === "bulk")
      .map((bucket) => [bucket.measure, bucket]),
  );
  const used = limitsOf(pace, buckets).map(({ cap, burst, weigh }) => {
    const since = world.said.filter(({ chargedMs }) => chargedMs >= fromMs).map(weigh);
    const heaviest = Math.max(...since);
    const sum = since.reduce((a, b) => a + b, 0);
    return (sum + heaviest) / (((cap - burst) * (world.nowMs - fromMs)) / 3_600_000); // one is under way
  });
  return Math.max(...used);
}

test("while there is a backlog, at least 95 % of what the class may use is used, by any number of hosts, over restarts", async () => {
  // All alike: else one measure waits for another, and none of them is the scarce one all the time.
  const alike = aCase.map((one) => ({ ...one, messages: one.messages.slice(0, 1) }));
  await fc.assert(
    fc.asyncProperty(fc.array(alike, { minLength: 1, maxLength: TOGETHER, size: "max" }), async (cases) => {
      for (const used of await Promise.all(cases.map(utilisation))) expect(used).toBeGreaterThanOrEqual(0.95);
    }),
    { numRuns: soaked(6) },
  );
}, 600_000);

test("a host with large messages gets its part beside one that floods the budget with small ones", async () => {
  const pace: Paced = {
    kind: "paced",
    perHour: 20_000,
    burst: 500,
    urgentShare: 0,
    bytesPerHour: 40 * LARGEST,
  };
  await using world = new World(redis.client(), { pace, largestBytes: LARGEST, hosts: 2 });
  const small: Message = { class: "bulk", recipients: 1, bytes: 50 };
  const large: Message = { class: "bulk", recipients: 1, bytes: LARGEST };
  const readyMs = [world.nowMs, world.nowMs];
  const endMs = world.nowMs + 60 * MINUTE_MS;
  for (;;) {
    const at = (readyMs[0] as number) <= (readyMs[1] as number) ? 0 : 1;
    if ((readyMs[at] as number) > endMs) break;
    await world.until(readyMs[at] as number);
    const { waitMs } = await world.host(at).send(at === 0 ? small : large, { mailAfterMs: 0 });
    readyMs[at] = world.nowMs + Math.max(2, waitMs);
  }
  const bytes = (size: number) => world.said.filter((one) => one.bytes === size).length * size;
  expect(bytes(LARGEST)).toBeGreaterThan(15 * LARGEST);
  expect(bytes(LARGEST) + bytes(50)).toBeGreaterThan(0.95 * 39 * LARGEST);
});
