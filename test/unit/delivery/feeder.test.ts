/** The feeder of an account when sessions cannot be opened: no slot and no probe is lost, and a stop ends it. */
import { expect, onTestFinished, test, vi } from "vitest";
import { Feeder, type FeederParts } from "../../../src/delivery/feeder.ts";
import { Gate } from "../../../src/delivery/gate.ts";
import { Hands } from "../../../src/delivery/hands.ts";
import { SessionSlots } from "../../../src/delivery/session-slots.ts";
import { judge } from "../../../src/schedule/verdict.ts";
import { Breaker } from "../../../src/upstream/breaker.ts";
import { until } from "../../support/until.ts";

const WAITS = { firstMs: 1, maxMs: 1 };

/** A feeder with one message due and within its budget, whose sessions are opened by `connect`. */
function setting(connect: () => Promise<never>) {
  const elapsed = () => performance.now();
  const [account, upstream] = [new Breaker(WAITS, elapsed), new Breaker(WAITS, elapsed)];
  const slots = new SessionSlots(1);
  const troubles: string[] = [];
  const parts = {
    account: "portal",
    queue: { due: async () => ({ waiting: { urgent: 0, bulk: 1 }, nextDueMs: undefined }) },
    pacer: { unlimited: true, intervalMs: () => 0, distrust: () => {} },
    bulkHeld: () => undefined,
    events: { report: () => {}, fact: async () => {} },
    now: Date.now,
    elapsed,
    slots,
    hands: new Hands(),
    gate: new Gate({ account, upstream, judge }),
    connect,
    onTrouble: (reason: string) => void troubles.push(reason),
  } as unknown as FeederParts;
  const feeder = new Feeder(parts);
  onTestFinished(() => feeder.stop(AbortSignal.abort()));
  return { feeder, slots, troubles, account, upstream };
}

test("a session that cannot even be tried costs no slot and no probe: it is tried again, and a stop ends it", async () => {
  const connect = vi.fn(() => Promise.reject(new Error("no cipher match")));
  const { feeder, slots, troubles, account, upstream } = setting(connect);
  upstream.trip("ECONNREFUSED"); // so that the first is a probe
  feeder.start();
  for (let n = 1; n <= 3; n++) {
    await until(`it was tried ${n} times`, () => troubles.length === n);
    expect(troubles[n - 1]).toBe("no cipher match");
    feeder.resume(); // else it takes a breath
  }
  await until("and again", () => connect.mock.calls.length === 4);
  await feeder.stop(AbortSignal.timeout(1000));
  expect(await slots.acquire(AbortSignal.timeout(1000))).toBeInstanceOf(Function);
  expect([account.state.name, upstream.state.name]).not.toContain("probing");
});

test("a stop ends a feeder that waits for a slot which others keep", async () => {
  const connect = vi.fn(() => Promise.reject(new Error("not asked for")));
  const { feeder, slots } = setting(connect);
  await slots.acquire(new AbortController().signal);
  feeder.start();
  await until("it waits", () => slots.contended);
  await feeder.stop(AbortSignal.timeout(1000));
  expect(slots.contended).toBe(false);
  expect(connect).not.toHaveBeenCalled();
});
