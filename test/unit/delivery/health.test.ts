import { expect, test } from "vitest";
import { type HealthFacts, healthOf } from "../../../src/delivery/health.ts";

const well: HealthFacts = { open: [], stuck: [], stalled: [], redis: "there", room: { ok: true } };
const codes = (facts: Partial<HealthFacts>) =>
  healthOf({ ...well, ...facts }).reasons.map(({ code }) => code);

test("all is well while nothing is wrong", () => {
  expect(healthOf(well)).toEqual({ ok: true, reasons: [] });
});

test.each<[string, Partial<HealthFacts>, string]>([
  [
    "a credential that is refused",
    { open: [{ breaker: "account", account: "portal", reason: "535" }] },
    "account-stopped",
  ],
  [
    "an upstream that cannot be reached",
    { open: [{ breaker: "upstream", reason: "down" }] },
    "upstream-stopped",
  ],
  [
    "a sender that is refused",
    { open: [{ breaker: "pair", account: "portal", pair: "a@b a@b", reason: "550" }] },
    "pair-stopped",
  ],
  ["due mail that does not move", { stuck: ["portal"] }, "standstill"],
  [
    "mail that is tried in vain",
    { stalled: [{ account: "portal", forMs: 1e6, reason: "451" }] },
    "nothing-delivered",
  ],
  ["a Redis that is gone", { redis: "away" }, "redis-away"],
  ["a disk that is low", { room: { ok: false, reason: "disk-low" } }, "disk-low"],
  ["a queue that is full", { room: { ok: false, reason: "queue-full" } }, "queue-full"],
])("%s is a reason", (_, facts, code) => {
  expect(codes(facts)).toEqual([code]);
  expect(healthOf({ ...well, ...facts }).ok).toBe(false);
});

test("an open breaker says when it is tried again, and stands for the mail that it stops", () => {
  const open = [{ breaker: "account", account: "portal", reason: "535 no", nextProbeMs: 0 }] as const;
  const stalled = [
    { account: "portal", forMs: 1e6, reason: "535" },
    { account: "other", forMs: 16 * 60_000, reason: "451 4.3.0 not now" },
  ];
  expect(healthOf({ ...well, open, stalled }).reasons).toEqual([
    {
      code: "account-stopped",
      account: "portal",
      reason: "portal is stopped: 535 no",
      nextProbe: "1970-01-01T00:00:00.000Z",
    },
    {
      code: "nothing-delivered",
      account: "other",
      reason: "nothing of other was delivered for 16 min, last: 451 4.3.0 not now",
      nextProbe: null,
    },
  ]);
});
