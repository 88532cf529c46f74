import { expect, test } from "vitest";
import { Turnstile } from "../../../src/delivery/turnstile.ts";

test("while it is closed nobody passes, and it closes only when nobody is inside", async () => {
  const turnstile = new Turnstile();
  const order: string[] = [];
  let leave: () => void = () => {};
  const inside = turnstile.pass(async () => {
    await new Promise<void>((resolve) => {
      leave = resolve;
    });
    order.push("first left");
  });
  const closed = turnstile.closedWhile(async () => {
    order.push("closed");
    await new Promise((resolve) => setImmediate(resolve));
    order.push("opened");
  });
  const late = turnstile.pass(async () => {
    order.push("second passed");
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(order).toEqual([]);
  leave();
  await Promise.all([inside, closed, late]);
  expect(order).toEqual(["first left", "closed", "opened", "second passed"]);
});

test("work that fails opens it again", async () => {
  const turnstile = new Turnstile();
  await expect(turnstile.closedWhile(() => Promise.reject(new Error("no")))).rejects.toThrow("no");
  await expect(turnstile.pass(() => Promise.reject(new Error("nor that")))).rejects.toThrow("nor that");
  expect(await turnstile.pass(async () => 1)).toBe(1);
});

test("of several who close it one works at a time, and it opens when the last one is done", async () => {
  const turnstile = new Turnstile();
  const order: string[] = [];
  const close = (name: string) =>
    turnstile.closedWhile(async () => {
      order.push(`${name} in`);
      await new Promise((resolve) => setImmediate(resolve));
      order.push(`${name} out`);
      return name;
    });
  let leave: () => void = () => {};
  const inside = turnstile.pass(
    () =>
      new Promise<void>((resolve) => {
        leave = resolve;
      }),
  );
  const closers = [close("a"), close("b"), close("c")];
  const late = turnstile.pass(async () => void order.push("passed"));
  leave();
  await inside;
  expect(await Promise.all(closers)).toEqual(["a", "b", "c"]);
  await late;
  expect(order.filter((one) => one !== "passed")).toEqual([
    "a in",
    "a out",
    "b in",
    "b out",
    "c in",
    "c out",
  ]);
  expect(["a in", "b in", "c in"]).not.toContain(order[order.indexOf("passed") - 1]);
});
