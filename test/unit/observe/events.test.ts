import { expect, test, vi } from "vitest";
import { createEvents, type Told } from "../../../src/observe/events.ts";
import type { Fact } from "../../../src/observe/facts.ts";
import type { Log } from "../../../src/observe/log.ts";

const FACT: Fact = { event: "finished", id: "1", account: "portal", sender: "a@b.example" };

function events() {
  const lines: unknown[] = [];
  const write = (line: unknown) => void lines.push(line);
  const log = { debug: write, info: write, warn: write, error: write } as unknown as Log;
  const journal = { append: vi.fn(async (_told: Told) => {}) };
  return { lines, journal, made: createEvents({ log, journal, now: () => 0 }) };
}

test("a fact goes to the log, to the journal with its time, and to whoever listens", async () => {
  const { lines, journal, made } = events();
  const heard: Told[] = [];
  made.hear((told) => heard.push(told));
  await made.fact(FACT);
  const told = { at: "1970-01-01T00:00:00.000Z", ...FACT };
  expect(lines).toEqual([FACT]);
  expect(journal.append).toHaveBeenCalledExactlyOnceWith(told);
  expect(heard).toEqual([told]);
});

test("nobody is told in the turn that tells: a reply that follows goes first", async () => {
  const { made } = events();
  const order: string[] = [];
  made.hear(() => order.push("heard"));
  const kept = made.fact(FACT);
  order.push("replied");
  await kept;
  expect(order).toEqual(["replied", "heard"]);
});

test("who has stopped listening hears no more", async () => {
  const { made } = events();
  const heard: Told[] = [];
  const deaf = made.hear((told) => heard.push(told));
  deaf();
  await made.fact(FACT);
  expect(heard).toEqual([]);
});

test("trouble of a listener is told, and neither the caller nor the other listeners feel it", async () => {
  const { lines, made } = events();
  const heard: Told[] = [];
  made.hear(() => {
    throw new Error("no");
  });
  made.hear((told) => heard.push(told));
  await made.fact(FACT);
  expect(heard).toHaveLength(1);
  expect(lines).toContainEqual({ event: "trouble", part: "listener of events", reason: "no" });
});
