import { expect, test } from "vitest";
import { ACCOUNT_WAITS, Breaker, UPSTREAM_WAITS } from "../../../src/upstream/breaker.ts";

function make(waits = { firstMs: 100, maxMs: 350 }) {
  const clock = { ms: 1000 };
  const heard: string[] = [];
  const listener = {
    opened: (reason: string, nextProbeMs: number) => void heard.push(`opened ${reason} ${nextProbeMs}`),
    stayed: () => void heard.push("stayed"),
    closed: (stoppedMs: number) => void heard.push(`closed ${stoppedMs}`),
  };
  return { clock, heard, breaker: new Breaker(waits, () => clock.ms, listener) };
}

test("a closed breaker lets everybody work", () => {
  const { breaker } = make();
  expect([breaker.admit(), breaker.admit()]).toEqual(["go", "go"]);
  expect(breaker.waitMs()).toBe(0);
  expect(breaker.kept()).toBeUndefined();
});

test("the first failure opens it and says so, failures of sessions under way change nothing", () => {
  const { breaker, clock, heard } = make();
  breaker.trip("535");
  clock.ms += 50;
  breaker.trip("another");
  expect(heard).toEqual(["opened 535 100"]);
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
    breaker.trip("still 535");
  }
  expect(waits).toEqual([100, 200, 350, 350]);
  expect(breaker.state).toMatchObject({ sinceMs: 1000, reason: "still 535" });
  expect(breaker.kept()).toMatchObject({ openForMs: 1000, quietForMs: 0 });
});

test("a probe that works closes it, and the next failure starts with the first wait again", () => {
  const { breaker, clock, heard } = make();
  breaker.trip("535");
  clock.ms += 100;
  breaker.admit();
  breaker.trip("535");
  clock.ms += 200;
  breaker.admit();
  breaker.close();
  breaker.close();
  expect(heard).toEqual(["opened 535 100", "stayed", "closed 300"]);
  expect(breaker.admit()).toBe("go");
  breaker.trip("535");
  expect(breaker.waitMs()).toBe(100);
});

test("a change of config closes it without a probe", () => {
  const { breaker } = make();
  breaker.trip("535");
  breaker.close();
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

test("over a restart it stays open, counts on, and probes at once, but never sooner than the first wait", () => {
  const before = make();
  before.breaker.trip("535");
  before.clock.ms += 100;
  before.breaker.admit();
  before.breaker.trip("535 again");
  before.clock.ms += 30;
  const kept = before.breaker.kept();
  expect(kept).toEqual({ reason: "535 again", openForMs: 130, quietForMs: 30, waitMs: 200 });

  const after = make();
  if (kept) after.breaker.restore(kept);
  expect(after.breaker.state).toMatchObject({ name: "open", reason: "535 again", sinceMs: 870 });
  expect(after.breaker.waitMs()).toBe(70); // 100 after the last failure
  after.clock.ms += 70;
  after.breaker.admit();
  after.breaker.trip("535");
  expect(after.breaker.waitMs()).toBe(350); // it doubles on from 200
  expect(after.heard).toEqual(["stayed"]);
});

test("nonsense that was kept (a clock was set) delays no probe beyond the first wait", () => {
  const { breaker } = make();
  breaker.restore({ reason: "x", openForMs: 0, quietForMs: -86_400_000, waitMs: 1e12 });
  expect(breaker.waitMs()).toBe(100);
});

test("an operator's retry makes the next probe due at once, but never sooner than ten seconds after a failure", () => {
  const { breaker, clock } = make({ firstMs: 60_000, maxMs: 3_600_000 });
  breaker.trip("535");
  for (let n = 0; n < 300; n++) breaker.probeNow();
  expect(breaker.admit()).toBe("wait");
  clock.ms += 10_000;
  expect(breaker.admit()).toBe("probe");
  breaker.trip("535");
  clock.ms += 30_000;
  breaker.probeNow();
  expect(breaker.admit()).toBe("probe");
});

test("one that nobody asks for long stops nothing", () => {
  const { breaker, clock } = make();
  breaker.trip("535");
  expect(breaker.idle).toBe(false);
  clock.ms += 100_000;
  expect(breaker.idle).toBe(true);
  breaker.admit();
  expect(breaker.idle).toBe(false);
});
