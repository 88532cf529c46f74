import { expect, test } from "vitest";
import { sluice } from "./command-line.ts";

test("sendmail is a command among the others, with help of its own", async () => {
  expect((await sluice("--help")).out).toContain("sendmail");
  const { code, out } = await sluice("sendmail", "--help");
  expect(code).toBe(0);
  for (const words of ["Examples:\n  sluice sendmail", "-C, --config FILE", "Exit codes:"])
    expect(out).toContain(words);
});

test("sendmail's errors are a sentence on stderr that begins with its name", async () => {
  expect(await sluice("sendmail", "-Z")).toEqual({
    code: 64,
    out: "",
    err: "sendmail: there is no option -Z (--help says what there is)\n",
  });
});

test("the config is asked for where the agent listens, before the message is read", async () => {
  const { code, err } = await sluice("sendmail", "-C", "/nonexistent.yaml", "root");
  expect(code).toBe(78);
  expect(err).toContain("the config file /nonexistent.yaml cannot be read");
});
