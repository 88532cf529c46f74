import { expect, test } from "vitest";
import { Breakers, pairKey } from "../../../src/delivery/breakers.ts";
import { fakeKept } from "../../support/fake-kept.ts";
import { entryFor } from "../../support/messages.ts";

const entry = entryFor("1");
const other = entryFor("2", { account: "shop" });

/** Breakers of two accounts; `restart` makes those of the next run, an hour later by the wall clock. */
function setting() {
  const clock = { ms: 0, wallMs: 1e12, changedMs: 0 };
  const kept = fakeKept();
  const told: Record<string, unknown>[] = [];
  const closed: string[] = [];
  const make = () =>
    new Breakers({
      accounts: ["portal", "shop"],
      events: { report: (event, fields, level) => void told.push({ event, level, ...fields }) },
      kept,
      elapsed: () => clock.ms,
      now: () => clock.wallMs + clock.ms,
      changedMs: () => clock.changedMs,
      onClosed: (which) => void closed.push(which),
    });
  const restart = () => {
    clock.wallMs += clock.ms + 3_600_000;
    clock.ms = 0;
    return make();
  };
  return { clock, told, closed, breakers: make(), restart };
}

test("a stopped pair stops nobody else, a stopped account its pairs, a stopped upstream everybody", () => {
  const { breakers } = setting();
  const stopped = () => [breakers.stopped(pairKey(entry)), breakers.stopped(pairKey(other))];
  expect(stopped()).toEqual([false, false]);
  breakers.pair(entry)?.trip("550 not you");
  expect(stopped()).toEqual([true, false]);
  expect(breakers.pairStopped(entry)?.reason).toBe("550 not you");
  breakers.account("shop").trip("535");
  expect(stopped()).toEqual([true, true]);
  breakers.closeFor("portal");
  expect(stopped()).toEqual([false, true]);
  breakers.upstream.trip("ECONNREFUSED");
  expect(stopped()).toEqual([true, true]);
  expect(breakers.open().map(({ breaker }) => breaker)).toEqual(["upstream", "account"]);
});

test("an opening is one error, a closing one line, and whoever waits is woken", () => {
  const { breakers, told, closed } = setting();
  breakers.pair(entry)?.trip("550 not you");
  breakers.pair(entry)?.trip("550 not you");
  breakers.pair(entry)?.close();
  expect(told).toMatchObject([
    { event: "breaker-opened", level: "error", breaker: "pair", account: "portal", nextProbeMs: 60_000 },
    { event: "breaker-closed", breaker: "pair", pair: "app@lab.example app@lab.example", stoppedMs: 0 },
  ]);
  expect(closed).toEqual(["pair"]);
});

test("what is open stays open over a restart, with how long it is; what was closed is closed", () => {
  const { breakers, restart, told, clock } = setting();
  for (const breaker of [breakers.pair(entry), breakers.account("portal"), breakers.upstream])
    breaker?.trip("no");
  breakers.upstream.close();
  const next = restart();
  expect(
    next
      .open()
      .map(({ breaker }) => breaker)
      .sort(),
  ).toEqual(["account", "pair"]);
  expect(next.pairStopped(entry)?.reason).toBe("no");
  expect(next.account("portal").waitMs()).toBe(0); // the last failure is an hour ago: it may probe
  clock.ms = 5000;
  next.account("portal").close();
  expect(told.at(-1)).toMatchObject({ event: "breaker-closed", breaker: "account", stoppedMs: 3_605_000 });
});

test("what was stopped before the config or the password file changed begins closed", () => {
  const { breakers, restart, clock } = setting();
  breakers.account("portal").trip("535");
  clock.changedMs = clock.wallMs + 1;
  expect(restart().open()).toEqual([]);
});

test("a file with nonsense in it stops nobody", () => {
  const kept = fakeKept({ breakers: [null, 7, { name: "account portal" }, { name: "pair [", reason: "x" }] });
  const events = { report: () => {} };
  const clocks = { elapsed: () => 0, now: () => 0, changedMs: () => 0, onClosed: () => {} };
  expect(new Breakers({ accounts: ["portal"], events, kept, ...clocks }).open()).toEqual([]);
});

test("what is stopped and has no mail any more is nobody's trouble: it is not among those that are open", () => {
  const { breakers, clock } = setting();
  breakers.pair(entry)?.trip("550 not you");
  expect(breakers.open()).toMatchObject([{ breaker: "pair", reason: "550 not you" }]);
  clock.ms += 3_600_000;
  expect(breakers.open()).toEqual([]);
  expect(breakers.pair(entry)?.admit()).toBe("probe"); // mail came
  expect(breakers.open()).toHaveLength(1);
});

test("with another config, breakers of what was written since close, the others may probe, and those of lost accounts go", () => {
  const { clock, breakers, closed } = setting();
  breakers.account("portal").trip("535");
  breakers.account("shop").trip("535");
  breakers.pair(other)?.trip("550 not you");
  clock.ms += 10_000;
  breakers.use(["portal"]);
  expect(breakers.open()).toMatchObject([{ account: "portal", nextProbeMs: clock.wallMs + clock.ms }]);
  expect(closed).toEqual([]);
  clock.changedMs = clock.wallMs + clock.ms;
  breakers.use(["portal"]);
  expect([breakers.open(), closed]).toEqual([[], ["account"]]);
});
