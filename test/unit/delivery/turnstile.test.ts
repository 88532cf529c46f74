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
