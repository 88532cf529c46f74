import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { brokenConfigs, checkBroken } from "./broken.ts";

const names = readdirSync(brokenConfigs).filter((name) => name.endsWith(".yaml"));

describe("every broken config is refused with exactly the problems beside it", () => {
  test.each(names)("%s", (name) => {
    const expected = readFileSync(join(brokenConfigs, name.replace(/yaml$/, "txt")), "utf8");
    expect(expected).not.toBe("");
    expect(checkBroken(name)).toBe(expected);
  });
});

test("no problem repeats a password that was written in the wrong place", () => {
  expect(
    names.filter((name) => readFileSync(join(brokenConfigs, name), "utf8").includes("hunter2")),
  ).not.toEqual([]);
  for (const name of names) expect(checkBroken(name)).not.toContain("hunter2");
});
