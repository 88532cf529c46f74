import { expect, test } from "vitest";
import { lifeOf } from "../../../src/control/life.ts";
import type { JournalLine } from "../../../src/journal/journal.ts";
import { accepted, attempt, fact, refused } from "../../support/trace-facts.ts";

const ANN = "ann@example.org";
const BOB = "bob@example.org";
const both = accepted({ recipients: [ANN, BOB] });

const stateAfter = (...facts: JournalLine[]) => lifeOf([both, ...facts]).state;
const some = (event: "delivered" | "deferred" | "bounced", ...recipients: string[]) =>
  attempt(event, { recipients });

test("the state of a message is what its facts come to", () => {
  expect(stateAfter()).toBe("incoming");
  expect(stateAfter(some("deferred", ANN, BOB))).toBe("deferred");
  expect(stateAfter(some("delivered", ANN), some("deferred", BOB))).toBe("deferred");
  expect(stateAfter(some("delivered", ANN), some("delivered", BOB))).toBe("delivered");
  expect(stateAfter(some("delivered", ANN, BOB), fact("finished"))).toBe("delivered");
  expect(stateAfter(some("bounced", ANN), some("deferred", BOB))).toBe("deferred");
  expect(stateAfter(some("bounced", ANN), some("delivered", BOB))).toBe("bounced");
  expect(stateAfter(fact("expired", { recipients: [ANN, BOB], reason: "old", delay: 9 }))).toBe("bounced");
  expect(stateAfter(fact("held", { reason: "no pair" }))).toBe("held");
  expect(stateAfter(fact("held", { reason: "x" }), fact("released", { verb: "release" }))).toBe("incoming");
  expect(stateAfter(fact("held", { reason: "no pair" }), fact("repolicied"))).toBe("incoming");
  expect(stateAfter(fact("repolicied", { hold: "no pair" }))).toBe("held");
  const parked = fact("held", { by: "operator", reason: "x" });
  expect(stateAfter(parked, fact("repolicied"))).toBe("held");
  expect(stateAfter(fact("deleted", { reason: "x" }))).toBe("deleted");
  expect(lifeOf([refused()]).state).toBe("rejected");
});

test("what was given up and is retried has to be delivered to everybody again", () => {
  const retried = [some("bounced", ANN, BOB), fact("released", { verb: "retry" })];
  expect(stateAfter(...retried)).toBe("incoming");
  expect(stateAfter(...retried, some("delivered", ANN))).toBe("incoming");
  expect(stateAfter(...retried, some("delivered", ANN, BOB))).toBe("delivered");
});

test("a life has what its facts say, also when the first of them is forgotten", () => {
  const life = lifeOf([
    { ...both, user: "www-data", subject: "Grades" } as JournalLine,
    some("delivered", BOB, ANN),
  ]);
  expect(life).toMatchObject({
    id: both.id,
    messageId: "<1@app01.lab.example>",
    sender: "app@lab.example",
    from: "news@lab.example",
    recipients: [ANN, BOB],
    account: "portal",
    user: "www-data",
    subject: "Grades",
    notice: null,
    notices: [],
  });
  expect(life.facts).toHaveLength(2);
  const rest = lifeOf([some("delivered", BOB)]);
  expect(rest).toMatchObject({ id: both.id, messageId: null, from: null, recipients: [BOB], subject: null });
});

test("a notice says what it is about, and a message which notices are about it", () => {
  const notice = accepted({
    id: "n1",
    recipients: ["app@lab.example"],
    notice: { kind: "failure", of: "m1" },
  });
  expect(lifeOf([notice]).notice).toEqual({ kind: "failure", of: "m1" });
  expect(lifeOf([both], [notice]).notices).toEqual([
    { id: "n1", kind: "failure", at: notice.at, recipients: ["app@lab.example"] },
  ]);
});

test("a fact that lacks what facts have makes a poorer life, and no fault", () => {
  for (const odd of [
    {},
    { event: "delivered" },
    { event: "rejected", recipients: 7 },
    { event: "new", notice: 1 },
  ])
    expect(lifeOf([odd as unknown as JournalLine])).toMatchObject({ id: null, recipients: [] });
});
