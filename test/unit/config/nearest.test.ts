import { expect, test } from "vitest";
import { editDistance, nearest } from "../../../src/config/nearest.ts";

test("distance counts insertions, deletions, substitutions and swaps", () => {
  expect(editDistance("", "abc")).toBe(3);
  expect(editDistance("kitten", "sitting")).toBe(3);
  expect(editDistance("perHuor", "perHour")).toBe(1);
});

test("case, hyphens and underscores do not count", () => {
  expect(nearest("message_size", ["messageSize", "recipients"])).toBe("messageSize");
});

test("the beginning of a key means the key", () => {
  expect(nearest("user", ["name", "username"])).toBe("username");
});

test("what is far from everything has no suggestion", () => {
  expect(nearest("colour", ["hostname", "log"])).toBeUndefined();
});
