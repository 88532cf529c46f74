/** A message's life as steps, and the contract's year as lines. */
import { expect, test } from "vitest";
import type { JournalFact, QueueDetail, YearOverview } from "../../../../src/web/page/api.ts";
import { burnDown } from "../../../../src/web/page/burn-down.ts";
import { stepsOfDetail, stepsOfFacts } from "../../../../src/web/page/life.ts";

const at = (second: number) => new Date(Date.UTC(2026, 10, 24, 14, 0, second)).toISOString();

test("a message in the queue: accepted, attempts and what else happened, in the order of time", () => {
  const detail = {
    ...{ acceptedAt: at(0), size: 1500, client: { ip: "127.0.0.1", helo: "app01", protocol: "ESMTP" } },
    history: [{ at: at(5), what: "held", detail: "wait" }],
    attempts: [
      {
        ...{ at: at(9), upstream: "relay:587", session: "s2", inDoubt: true, next: null, results: [] },
      },
      {
        ...{ at: at(2), upstream: "relay:587", session: "s1", inDoubt: false, next: null },
        results: ["a", "b", "c", "d", "e"].map((name, i) => ({
          recipient: `${name}@lab.example`,
          outcome: i === 4 ? "delivered" : "deferred",
          reply: i === 4 ? "250 ok" : "451 later",
        })),
      },
    ],
  } as unknown as QueueDetail;
  const steps = stepsOfDetail(detail);
  expect(steps.map(({ what, tone }) => [what, tone])).toEqual([
    ["accepted", "plain"],
    ["deferred", "waits"],
    ["held", "waits"],
    ["attempt, in doubt", "waits"],
  ]);
  expect(steps[1]?.verbatim).toEqual([
    { who: "a@lab.example, b@lab.example, c@lab.example and 1 more", reply: "451 later" },
    { who: "e@lab.example", reply: "250 ok" },
  ]);
});

test("a fact that lacks what facts have is a step with what it has, and the others are whole", () => {
  const odd = [
    { at: at(1), event: "delivered", recipients: "x@lab.example" },
    { at: at(2), event: "deferred", recipients: ["x@lab.example"], next: "soon" },
    { event: "accepted" },
    { at: 5, event: "rejected", reply: null, recipients: {} },
    { at: at(3), event: "repolicied" },
    { at: at(4), event: "held", reason: "wait" },
  ] as unknown as JournalFact[];
  const steps = stepsOfFacts(odd);
  expect(new Set(steps.map(({ what }) => what))).toEqual(
    new Set(["delivered", "deferred", "accepted", "refused", "repolicied", "held"]),
  );
  expect(steps.find(({ what }) => what === "held")).toMatchObject({ words: "wait", at: at(4) });
});

test("a message of the journal: the upstream's words, or ours when there was no reply", () => {
  const common = {
    id: "06k3t00000000a",
    recipients: ["a@lab.example"],
    upstream: "relay:587",
    session: "s1",
  };
  const facts = [
    { ...common, at: at(9), event: "bounced", reason: "it was too old", by: "operator" },
    { ...common, at: at(1), event: "deferred", reason: "cannot connect", next: at(50) },
    { ...common, at: at(3), event: "delivered", reply: { code: 250, text: "250 ok" }, delay: 3 },
    { at: at(0), event: "rejected", stage: "mail", client: "127.0.0.1", reply: "550 5.7.1 no" },
  ];
  const steps = stepsOfFacts(facts as unknown as Parameters<typeof stepsOfFacts>[0]);
  expect(steps.map(({ what, verbatim }) => [what, verbatim[0]?.reply])).toEqual([
    ["refused", "550 5.7.1 no"],
    ["deferred", "cannot connect"],
    ["delivered", "250 ok"],
    ["bounced", undefined],
  ]);
  expect(steps[3]?.words).toBe("given up by an operator: it was too old");
});

const YEAR: YearOverview = {
  ...{ from: "2026-07-01T00:00:00Z", to: "2026-07-11T00:00:00Z", at: "hold" },
  messages: { used: 60, limit: 100, forecast: 120 },
  bytes: { used: 1, limit: null, forecast: 2 },
  days: [
    { day: "2026-07-01", messages: 10, bytes: 0 },
    { day: "2026-07-02", messages: 30, bytes: 0 },
  ],
};

test("the year burns down to now, and from there on as the agent forecasts", () => {
  const lines = burnDown(YEAR, "messages", Date.parse("2026-07-06T00:00:00Z"));
  expect(lines?.left).toEqual([100, 90, 70, 40, null]);
  expect(lines?.forecast).toEqual([null, null, null, 40, -20]);
  expect(lines?.even.map((n) => Math.round(n ?? 0))).toEqual([100, 90, 80, 50, 0]);
  expect(lines?.at).toEqual([...(lines?.at ?? [])].sort((a, b) => a - b));
});

test("a measure without a limit has no lines; a year of one day still has", () => {
  expect(burnDown(YEAR, "bytes", Date.parse("2026-07-06T00:00:00Z"))).toBeUndefined();
  const first = burnDown({ ...YEAR, days: [] }, "messages", Date.parse(YEAR.from));
  expect(first?.left).toEqual([100, 40, null]);
});
