import { expect, test } from "vitest";
import { Gate } from "../../../src/delivery/gate.ts";
import { judge } from "../../../src/schedule/verdict.ts";
import { ACCOUNT_WAITS, Breaker, UPSTREAM_WAITS } from "../../../src/upstream/breaker.ts";

/** A gate of an account of its own, at an upstream that they share. */
function gateOf(upstream: Breaker, clock: () => number): Gate {
  return new Gate({ upstream, account: new Breaker(ACCOUNT_WAITS, clock), judge });
}

const refused = { stage: "connect", cause: "ECONNREFUSED", text: "no" } as const;

test("an unused session of one account does not undo the waits of another's probe", () => {
  let now = 0;
  const clock = () => now;
  const upstream = new Breaker(UPSTREAM_WAITS, clock);
  const a = gateOf(upstream, clock);
  const b = gateOf(upstream, clock);
  expect(b.admit()).toBe(0); // b opens a session, and finds nothing to send
  expect(a.admit()).toBe(0);
  a.refused(refused); // opens: 5 s
  now = 5000;
  expect(a.admit()).toBe(0); // a is the probe
  b.unused(); // b's session of before ends without mail
  a.refused(refused);
  expect(a.admit()).toBeGreaterThan(0); // ten seconds more
});

test("a probe that the upstream answers with the account's failure heals the upstream and stops the account", () => {
  let now = 0;
  const clock = () => now;
  const upstream = new Breaker(UPSTREAM_WAITS, clock);
  const a = gateOf(upstream, clock);
  const b = gateOf(upstream, clock);
  a.admit();
  a.refused(refused);
  expect(b.admit()).toBeGreaterThan(0);
  now = 5000;
  expect(a.admit()).toBe(0);
  a.attempted({ blamed: "account", delivered: false, why: "454 4.7.0 cannot check it now", first: true });
  expect(a.reason).toContain("the account is stopped: 454");
  expect(b.admit()).toBe(0);
});

test("a probe that ends without telling anything lets another one start", () => {
  let now = 0;
  const clock = () => now;
  const gate = gateOf(new Breaker(UPSTREAM_WAITS, clock), clock);
  gate.admit();
  gate.refused(refused);
  now = 5000;
  expect(gate.admit()).toBe(0);
  expect(gate.probing).toBe(true);
  gate.unused();
  expect(gate.admit()).toBe(0);
});

test("an account that a message was refused for is healed by a message, not by AUTH: its waits double", () => {
  let now = 0;
  const gate = gateOf(new Breaker(UPSTREAM_WAITS, () => now), () => now);
  const slowDown = {
    blamed: "account",
    delivered: false,
    why: "550 rate limit exceeded",
    first: true,
  } as const;
  const waits: number[] = [];
  for (let n = 0; n < 4; n++) {
    expect(gate.admit()).toBe(0); // opened and authenticated
    gate.attempted(slowDown);
    waits.push(gate.waitMs);
    now += gate.waitMs;
  }
  expect(waits).toEqual([60_000, 120_000, 240_000, 480_000]);
  expect(gate.admit()).toBe(0);
  gate.attempted({ blamed: undefined, delivered: false, why: "", first: true });
  expect(gate.reason).toContain("the account is stopped"); // a refused recipient says nothing of a limit at the dot
  gate.attempted({ blamed: undefined, delivered: true, why: "", first: false });
  expect(gate.reason).toBeUndefined();
});
