import { expect, test } from "vitest";
import { ACCOUNT_WAITS, Breaker, UPSTREAM_WAITS } from "../../../src/upstream/breaker.ts";

function make(waits = { firstMs: 100, maxMs: 350 }) {
  const clock = { ms: 1000 };
  return { clock, breaker: new Breaker(waits, () => clock.ms) };
}

test("a closed breaker lets everybody work", () => {
  const { breaker } = make();
  expect([breaker.admit(), breaker.admit()]).toEqual(["go", "go"]);
  expect(breaker.waitMs()).toBe(0);
  expect(breaker.stoppedMs()).toBe(0);
});

test("the first failure opens it and says so, failures of sessions under way change nothing", () => {
  const { breaker, clock } = make();
  expect(breaker.trip("535")).toBe(true);
  clock.ms += 50;
  expect(breaker.trip("another")).toBe(false);
  expect(breaker.state).toEqual({ name: "open", reason: "535", sinceMs: 1000, nextProbeMs: 1100 });
  expect(breaker.admit()).toBe("wait");
  expect(breaker.waitMs()).toBe(50);
});

test("one probe at a time is let through when its time has come", () => {
  const { breaker, clock } = make();
  breaker.trip("535");
  clock.ms += 100;
  expect([breaker.admit(), breaker.admit()]).toEqual(["probe", "wait"]);
  expect(breaker.state.name).toBe("probing");
  expect(breaker.waitMs()).toBeGreaterThan(0);
});

test("waits double after each failed probe, up to the cap, and the time it opened is kept", () => {
  const { breaker, clock } = make();
  breaker.trip("535");
  const waits: number[] = [];
  for (let probe = 0; probe < 4; probe++) {
    waits.push(breaker.waitMs());
    clock.ms += breaker.waitMs();
    expect(breaker.admit()).toBe("probe");
    expect(breaker.trip("still 535")).toBe(false);
  }
  expect(waits).toEqual([100, 200, 350, 350]);
  expect(breaker.state).toMatchObject({ sinceMs: 1000, reason: "still 535" });
  expect(breaker.stoppedMs()).toBe(1000);
});

test("a probe that works closes it, and the next failure starts with the first wait again", () => {
  const { breaker, clock } = make();
  breaker.trip("535");
  clock.ms += 100;
  breaker.admit();
  breaker.trip("535");
  clock.ms += 200;
  breaker.admit();
  expect(breaker.close()).toBe(true);
  expect(breaker.close()).toBe(false);
  expect(breaker.admit()).toBe("go");
  breaker.trip("535");
  expect(breaker.waitMs()).toBe(100);
});

test("a change of config closes it without a probe", () => {
  const { breaker } = make();
  breaker.trip("535");
  expect(breaker.close()).toBe(true);
  expect(breaker.admit()).toBe("go");
});

test("a probe that tells nothing makes room for another at once, without a longer wait", () => {
  const { breaker, clock } = make();
  breaker.trip("535");
  breaker.release();
  expect(breaker.admit()).toBe("wait");
  clock.ms += 100;
  expect(breaker.admit()).toBe("probe");
  breaker.release();
  expect(breaker.admit()).toBe("probe");
  breaker.trip("535");
  expect(breaker.waitMs()).toBe(200);
});

test("accounts are probed every minute to every hour, upstreams every 5 seconds to 5 minutes", () => {
  expect(ACCOUNT_WAITS).toEqual({ firstMs: 60_000, maxMs: 3_600_000 });
  expect(UPSTREAM_WAITS).toEqual({ firstMs: 5_000, maxMs: 300_000 });
});
