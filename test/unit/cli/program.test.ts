import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { sluice } from "./command-line.ts";

test("--version prints the version of package.json", async () => {
  const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
  expect(await sluice("--version")).toEqual({ code: 0, out: `${version}\n`, err: "" });
});

test("--help lists every command and an example", async () => {
  const { code, out } = await sluice("--help");
  expect(code).toBe(0);
  for (const word of ["check", "config", "explain", "Example:", "Exit codes:"]) expect(out).toContain(word);
});

test.each([
  ...["run", "check", "config", "doctor", "explain", "send-test", "queue list", "queue show", "queue stats"],
  ...["queue repolicy", "trace", "usage", "plan", "request-sheet", "status-url"],
])("%s --help shows an example and the config option", async (command) => {
  const { code, out } = await sluice(...command.split(" "), "--help");
  expect(code).toBe(0);
  expect(out).toMatch(/Examples?:\n {2}sluice/);
  expect(out).toContain("-c, --config <file>");
});

test("a command that is not there is answered with the nearest, exit code 64", async () => {
  const { code, err } = await sluice("chekc");
  expect(code).toBe(64);
  expect(err).toContain("Did you mean check?");
});

test("what is typed does not reach the terminal as it came", async () => {
  const evil = "\u001b[2J";
  for (const args of [[evil], ["queue", evil], ["queue", "show", evil], ["queue", "--state", evil]]) {
    const { code, err } = await sluice(...args);
    expect([args, code]).toEqual([args, 64]);
    expect(err).toContain("\\x1b[2J");
    expect(err).not.toContain("\u001b");
  }
});

test.each([
  [["queue", "relase"], "Did you mean release?"],
  [["queue", "list", "1m84xr46400t1k"], "Did you mean show 1m84xr46400t1k?"],
  [["queue", "1m84xr46400t1k"], "Did you mean show 1m84xr46400t1k?"],
  [["queue", "frobnicate"], "unknown command 'frobnicate'"],
])("%j is no command of queue, and is answered with the nearest", async (args, said) => {
  const { code, out, err } = await sluice(...args);
  expect({ code, out }).toEqual({ code: 64, out: "" });
  expect(err).toContain(said);
});

test.each([
  [["check", "--jsno"]],
  [["explain"]],
  [["config", "--example", "--schema"]],
  [["check", "extra"]],
  [["-c", "sluice.yaml", "check"]],
])("wrong usage %j exits 64 without a stack trace", async (args) => {
  const { code, err } = await sluice(...args);
  expect(code).toBe(64);
  expect(err).not.toMatch(/\n\s+at /);
});
