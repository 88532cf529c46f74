/** Upstream sessions over all accounts: never more than allowed, in turn, and whoever stops waits no more. */
import { expect, test } from "vitest";
import { SessionSlots } from "../../../src/delivery/session-slots.ts";

const never = new AbortController().signal;

/** Notes who got a slot, in the order that they got it. */
function setting(max: number) {
  const slots = new SessionSlots(max);
  const got: string[] = [];
  const releases = new Map<string, () => void>();
  const ask = async (name: string, signal: AbortSignal = never) => {
    const release = await slots.acquire(signal);
    got.push(release ? name : `${name} gave up`);
    if (release) releases.set(name, release);
  };
  const give = async (name: string) => {
    releases.get(name)?.();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { slots, got, ask, give };
}

test("never more slots are out than there are, and who waits gets the next in turn", async () => {
  const { slots, got, ask, give } = setting(2);
  await Promise.all([ask("a"), ask("b")]);
  void ask("c");
  void ask("d");
  expect([got, slots.contended]).toEqual([["a", "b"], true]);
  await give("a");
  await give("a"); // giving back twice gives one slot
  expect([got, slots.contended]).toEqual([["a", "b", "c"], true]);
  await give("b");
  expect([got, slots.contended]).toEqual([["a", "b", "c", "d"], false]);
});

test("who stops while it waits gets no slot, and the one behind it does not wait for it", async () => {
  const { slots, got, ask, give } = setting(1);
  await ask("a");
  const stop = new AbortController();
  const stopped = ask("b", stop.signal);
  void ask("c");
  stop.abort();
  await stopped;
  expect([got, slots.contended]).toEqual([["a", "b gave up"], true]);
  await give("a");
  expect([got, slots.contended]).toEqual([["a", "b gave up", "c"], false]);
});

test("who was stopped before gets no slot although one is free, and who has one keeps it over its stop", async () => {
  const { got, ask, give } = setting(1);
  const stop = new AbortController();
  await ask("a", stop.signal);
  stop.abort();
  await ask("b", stop.signal);
  expect(got).toEqual(["a", "b gave up"]);
  void ask("c");
  await give("a");
  expect(got).toEqual(["a", "b gave up", "c"]);
});

test("more slots serve those who wait at once; fewer take nothing back, and nobody gets one until there is one", async () => {
  const { slots, got, ask, give } = setting(1);
  for (const name of ["a", "b", "c", "d"]) void ask(name);
  slots.resize(3);
  await new Promise((resolve) => setImmediate(resolve));
  expect(got).toEqual(["a", "b", "c"]);
  slots.resize(1);
  await give("a");
  await give("b");
  expect(got).toEqual(["a", "b", "c"]);
  await give("c");
  expect(got).toEqual(["a", "b", "c", "d"]);
});
