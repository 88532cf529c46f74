import { expect, test } from "vitest";
import { YearLimits } from "../../src/delivery/year-limits.ts";
import { credentialKey } from "../../src/pacing/credential-key.ts";
import { exchangeTotals } from "../../src/pacing/year-totals.ts";
import { fakeKept } from "../support/fake-kept.ts";
import { redisForTests } from "../support/redis.ts";

const redis = redisForTests();
const fromMs = Date.parse("2026-07-01");
const year = (username: string) => ({ username, fromMs });
const total = (messages: number, bytes = 100 * messages) => ({ messages, bytes });

test("hosts that share a credential know the totals of each other", async () => {
  await exchangeTotals(redis.client(), year("shared"), new Map([["a", total(10)]]));
  const seen = await exchangeTotals(redis.client(), year("shared"), new Map([["b", total(5)]]));
  expect(Object.fromEntries(seen)).toEqual({ a: total(10), b: total(5) });
  const other = await exchangeTotals(redis.client(), year("another"), new Map([["c", total(1)]]));
  expect([...other.keys()]).toEqual(["c"]);
});

test("losing Redis loses nothing: what a host saw of the others it writes again", async () => {
  await exchangeTotals(redis.client(), year("lost"), new Map([["a", total(10)]]));
  const seen = await exchangeTotals(redis.client(), year("lost"), new Map([["b", total(5)]]));
  await redis.client().flushall();
  await exchangeTotals(redis.client(), year("lost"), seen); // a is gone for good
  const again = await exchangeTotals(redis.client(), year("lost"), new Map([["c", total(1)]]));
  expect(Object.fromEntries(again)).toEqual({ a: total(10), b: total(5), c: total(1) });
});

test("an old copy of a host's ledger neither sets its total back nor counts twice", async () => {
  await exchangeTotals(redis.client(), year("cloned"), new Map([["a", total(10)]]));
  const copy = new Map([
    ["a", total(8)],
    ["clone", total(1)],
  ]);
  const seen = await exchangeTotals(redis.client(), year("cloned"), copy);
  expect(Object.fromEntries(seen)).toEqual({ a: total(10), clone: total(1) });
});

test("totals live for a year and more, under a key that names no user", async () => {
  await exchangeTotals(redis.client(), year("portal-user"), new Map([["a", total(10)]]));
  const key = `${credentialKey("portal-user")}:year:2026-07-01`;
  expect(key).not.toContain("portal-user");
  expect(await redis.client().pttl(key)).toBeGreaterThan(366 * 86_400_000);
});

test("hosts that together used up the year hold bulk mail, each of them", async () => {
  const perYear = { messages: 1000, starts: "07-01", at: "hold" } as const;
  const pace = { kind: "paced", perHour: 100, burst: 1, urgentShare: 0, perYear } as const;
  const host = (name: string, messages: number) => {
    const limits = new YearLimits({
      ledger: { fold: async () => {}, totals: () => new Map([[name, total(messages)]]) },
      kept: fakeKept(),
      events: { report: () => {} },
      shared: true,
      now: () => fromMs + 86_400_000,
      onReleased: () => {},
    });
    limits.use([{ name: "portal", username: "together", pace }], 5000);
    return limits;
  };
  const [a, b] = [host("a", 600), host("b", 400)];
  await a.look(redis.client());
  expect(a.heldReason("portal")).toBeUndefined();
  await b.look(redis.client());
  expect(b.heldReason("portal")).toContain("the year's 1000 messages are used (1000)");
  const again = host("a", 600);
  await again.look(redis.client());
  expect(again.heldReason("portal")).toContain("are used (1000)");
});
