import { expect, test } from "vitest";
import { Flow } from "../../../src/delivery/flow.ts";
import type { Told } from "../../../src/observe/events.ts";

const MINUTE_MS = 60_000;

function flow() {
  const clock = { ms: 0 };
  const made = new Flow({
    events: { hear: () => () => {} },
    elapsed: () => clock.ms,
    longestWaitMs: () => 60 * MINUTE_MS,
  });
  const tell = (event: Told["event"], id: string, reason = "451 not now") =>
    made.hear({ event, id, account: "portal", reason } as unknown as Told);
  return { clock, made, tell };
}

test("an upstream that defers every message for a quarter of an hour is named, with its last words", () => {
  const { clock, made, tell } = flow();
  tell("deferred", "a");
  tell("deferred", "b");
  clock.ms = 15 * MINUTE_MS - 1;
  expect(made.stalled()).toEqual([]);
  tell("deferred", "a", "452 still not");
  clock.ms += 1;
  expect(made.stalled()).toEqual([{ account: "portal", forMs: 15 * MINUTE_MS, reason: "452 still not" }]);
});

test("one delivery ends it", () => {
  const { clock, made, tell } = flow();
  tell("deferred", "a");
  tell("deferred", "b");
  clock.ms = 60 * MINUTE_MS;
  tell("delivered", "c");
  expect(made.stalled()).toEqual([]);
  tell("deferred", "a");
  tell("deferred", "b");
  clock.ms += 14 * MINUTE_MS;
  expect(made.stalled()).toEqual([]);
});

test("it is over when what was not taken waits no more: deleted, given up, parked", () => {
  const { clock, made, tell } = flow();
  for (const id of ["a", "b", "c"]) tell("deferred", id);
  clock.ms = 20 * MINUTE_MS;
  tell("deleted", "a");
  expect(made.stalled()).toHaveLength(1);
  tell("bounced", "b");
  tell("held", "c");
  expect(made.stalled()).toEqual([]);
  for (const id of ["d", "e"]) tell("deferred", id);
  expect(made.stalled()).toEqual([]);
});

test("one message that nobody wants is no stall, however long it is tried", () => {
  const { clock, made, tell } = flow();
  for (let n = 0; n < 10; n++) {
    tell("deferred", "a");
    clock.ms += 30 * MINUTE_MS;
  }
  expect(made.stalled()).toEqual([]);
});

test("it is over when nothing is tried any more: that mail went another way", () => {
  const { clock, made, tell } = flow();
  tell("deferred", "a");
  tell("deferred", "b");
  clock.ms = 135 * MINUTE_MS;
  expect(made.stalled()).toHaveLength(1);
  clock.ms += 1;
  expect(made.stalled()).toEqual([]);
});
