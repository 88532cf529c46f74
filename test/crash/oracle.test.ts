/**
 * The oracle itself: what it must see. A checker that cannot fail is a defect, so each fault is seeded into journals
 * that are in order, and only that fault must be found.
 */
import { expect, test } from "vitest";
import { type Arrival, type Journals, judge, type Submission } from "../support/oracle.ts";

const BOB = "bob@example.org";
const ANN = "ann@example.org";

const submission = (id: string, changes: Partial<Submission> = {}): Submission => ({
  id,
  saw: "accepted",
  recipients: [BOB],
  sha256: `bytes of ${id}`,
  ...changes,
});

const arrival = (id: string, changes: Partial<Arrival> = {}): Arrival => ({
  id,
  queueId: `Q${id}`,
  recipients: [BOB],
  sha256: `bytes of ${id}`,
  ...changes,
});

/** Everything that is allowed: partial success, a repeat in doubt, both ends of the unknown, refusals. */
const IN_ORDER: Journals = {
  submissions: [
    submission("plain"),
    submission("parts", { recipients: [BOB, ANN] }),
    submission("doubtful"),
    submission("doubtful-in-parts", { recipients: [BOB, ANN] }),
    submission("cut-arrived", { saw: "unknown" }),
    submission("cut-gone", { saw: "unknown" }),
    submission("refused", { saw: "refused" }),
    submission("half", { saw: "never finished" }),
  ],
  arrivals: [
    arrival("plain"),
    arrival("parts"),
    arrival("parts", { recipients: [ANN] }),
    arrival("doubtful"),
    arrival("doubtful"),
    arrival("cut-arrived"),
    arrival("doubtful-in-parts", { recipients: [BOB, ANN] }),
    arrival("doubtful-in-parts"),
    arrival("doubtful-in-parts", { recipients: [ANN] }),
  ],
  inDoubt: ["Qdoubtful", "Qplain", "Qdoubtful-in-parts"],
};

function judgeWith(changes: Partial<Journals>) {
  return judge({ ...IN_ORDER, ...changes });
}

test("the oracle is content with journals that are in order", () => {
  expect(judge(IN_ORDER)).toEqual({
    accepted: 4,
    lost: 0,
    ghosts: 0,
    repeated: 2,
    inDoubt: 3,
    corrupted: 0,
    verdict: "kept",
    faults: [],
  });
});

test("the oracle sees a message that is lost", () => {
  const arrivals = IN_ORDER.arrivals.filter(({ id }) => id !== "plain");
  expect(judgeWith({ arrivals })).toMatchObject({
    lost: 1,
    verdict: "broken",
    faults: [`plain was accepted and did not reach ${BOB}`],
  });
});

test("the oracle sees one recipient of several to whom the message is lost", () => {
  const arrivals = IN_ORDER.arrivals.filter(
    ({ id, recipients }) => id !== "parts" || !recipients.includes(ANN),
  );
  expect(judgeWith({ arrivals })).toMatchObject({
    lost: 1,
    verdict: "broken",
    faults: [`parts was accepted and did not reach ${ANN}`],
  });
});

test("the oracle sees a repeat of a message that was not in doubt, although others were", () => {
  const arrivals = [...IN_ORDER.arrivals, arrival("parts", { recipients: [ANN] })];
  expect(judgeWith({ arrivals })).toMatchObject({
    lost: 0,
    repeated: 3,
    inDoubt: 3,
    verdict: "broken",
    faults: ["parts (Qparts) was repeated 1 times with 0 in doubt"],
  });
});

test("the oracle sees more repeats of a message than attempts in doubt", () => {
  const arrivals = [...IN_ORDER.arrivals, arrival("doubtful")];
  expect(judgeWith({ arrivals })).toMatchObject({
    repeated: 3,
    verdict: "broken",
    faults: ["doubtful (Qdoubtful) was repeated 2 times with 1 in doubt"],
  });
});

test("the oracle sees a message that was taken twice under two names", () => {
  const arrivals = [...IN_ORDER.arrivals, arrival("cut-arrived", { queueId: "Qother" })];
  expect(judgeWith({ arrivals })).toMatchObject({ repeated: 3, verdict: "broken" });
});

test.each([
  ["refused", "refused arrived although it was refused"],
  ["half", "half arrived although it was never finished"],
  ["stranger", "stranger arrived and nobody submitted it"],
])("the oracle sees the ghost of a message: %s", (id, fault) => {
  const arrivals = [...IN_ORDER.arrivals, arrival(id)];
  expect(judgeWith({ arrivals })).toMatchObject({ ghosts: 1, verdict: "broken", faults: [fault] });
});

test("the oracle sees a message at somebody whom it is not for", () => {
  const arrivals = IN_ORDER.arrivals.map((one) =>
    one.id === "plain" ? { ...one, recipients: [BOB, "eve@example.org"] } : one,
  );
  expect(judgeWith({ arrivals })).toMatchObject({ ghosts: 1, lost: 0, verdict: "broken" });
});

test("the oracle sees bytes that are not those which were submitted", () => {
  const arrivals = IN_ORDER.arrivals.map((one, at) => (at === 4 ? { ...one, sha256: "others" } : one));
  expect(judgeWith({ arrivals })).toMatchObject({
    corrupted: 1,
    lost: 0,
    ghosts: 0,
    verdict: "broken",
    faults: ["doubtful arrived with other bytes than were submitted"],
  });
});

test("the oracle refuses a client's journal in which two messages have one id", () => {
  const submissions = [...IN_ORDER.submissions, submission("plain")];
  expect(judgeWith({ submissions }).verdict).toBe("broken");
});
