/**
 * RFC 5321 §4.5.3.2.6: ten minutes for the reply to the final dot. The connection is real, the minutes are not: only
 * the timers of the program and of the scripted upstream are set on.
 */
import { afterEach, expect, test, vi } from "vitest";
import { DEFAULT_TIMEOUTS } from "../../../src/upstream/timeouts.ts";
import { envelope, message, summary, talk } from "./fixture.ts";
import { type Answer, hang } from "./scripted.ts";

const MINUTE_MS = 60_000;

afterEach(() => {
  vi.useRealTimers();
});

/** A message whose dot is said, and whose reply is not there; from now on timers stand still. */
async function waitingAtDot(dot: Answer) {
  const { session, peer } = await talk({ dot });
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const sending = session.send(envelope(), message());
  while (peer.messages.length === 0) await new Promise((resolve) => setImmediate(resolve));
  let settled = false;
  void sending.then(() => {
    settled = true;
  });
  const isSettled = async () => {
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    return settled;
  };
  return { session, sending, isSettled };
}

test("a reply to the dot after nine minutes is waited for, and the session goes on", async () => {
  const late: Answer = (peer) => peer.later(() => peer.say("250 2.0.0 taken at last"), 9 * MINUTE_MS);
  const { session, sending, isSettled } = await waitingAtDot(late);
  vi.advanceTimersByTime(9 * MINUTE_MS - 1);
  expect(await isSettled()).toBe(false);
  vi.advanceTimersByTime(1);
  const sent = await sending;
  expect(summary(sent)).toEqual(["a@example.edu delivered"]);
  expect(sent).toMatchObject({ inDoubt: false, sessionLost: false });
  expect(session.usable).toBe(true);
});

test("a reply to the dot that does not come in ten minutes leaves the message in doubt, and not before", async () => {
  expect(DEFAULT_TIMEOUTS.dotMs).toBe(10 * MINUTE_MS);
  const { sending, isSettled } = await waitingAtDot(hang);
  vi.advanceTimersByTime(10 * MINUTE_MS - 1);
  expect(await isSettled()).toBe(false);
  vi.advanceTimersByTime(1);
  const sent = await sending;
  expect(summary(sent)).toEqual(["a@example.edu dot ETIMEDOUT session defer"]);
  expect(sent).toMatchObject({ inDoubt: true, sessionLost: true });
});
