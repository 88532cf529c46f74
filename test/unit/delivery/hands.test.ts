/** What is in a lane's hands is nobody else's, whatever the order in which lanes end and begin. */
import { expect, test } from "vitest";
import { Hands } from "../../../src/delivery/hands.ts";
import type { Fetched } from "../../../src/queue/account-queue.ts";

/** A queue that gives out these jobs, and what of them was ended. */
function queueOf(...jobs: Pick<Fetched, "id" | "class">[]) {
  const completed: string[] = [];
  const fetch = async () => jobs.shift() as Fetched | undefined;
  return {
    completed,
    fetch,
    complete: async (job: Fetched) => void completed.push(`${job.id} ${job.class}`),
  };
}

test("a job that is put back and fetched before its lane is done stays in hand until the next one is, too", async () => {
  const hands = new Hands();
  const queue = queueOf({ id: "one", class: "bulk" }, { id: "one", class: "bulk" });
  const first = (await hands.fetch(queue, "bulk")) as Fetched;
  const second = (await hands.fetch(queue, "bulk")) as Fetched;
  hands.done(first);
  expect(hands.has("one")).toBe(true);
  hands.done(second);
  expect([hands.has("one"), queue.completed]).toEqual([false, []]);
});

test("a second job of another class ends, and the first one's lane keeps the message", async () => {
  const hands = new Hands();
  const queue = queueOf({ id: "one", class: "bulk" }, { id: "one", class: "urgent" });
  await hands.fetch(queue, "bulk");
  expect(await hands.fetch(queue, "urgent")).toBeUndefined();
  expect([hands.has("one"), queue.completed]).toEqual([true, ["one urgent"]]);
});
