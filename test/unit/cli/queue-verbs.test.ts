import { expect, test } from "vitest";
import { VERBS } from "../../../src/spool/verb.ts";
import { sluice } from "./command-line.ts";

const ID = "1m84xr46400t1k";

test.each(VERBS)("queue %s --help shows an example", async (verb) => {
  const { code, out } = await sluice("queue", verb, "--help");
  expect(code).toBe(0);
  expect(out).toContain(`Example:\n  sluice queue ${verb}`);
  expect(out).toContain("-c, --config <file>");
});

test.each([
  [["retry"], /missing required argument 'id'/],
  [["hold", "nonsense"], /nonsense is not a queue id/],
  [["delete", "--yes", ID, "../../etc/passwd"], /is not a queue id/],
  [["delete", ID], /no terminal: say --yes/],
  [["bounce", ID, "--reason", "a\nb"], /one line of at most 200 characters/],
  [["hold", ID, "--reason", " "], /one line of at most 200 characters/],
  [["retry", ID, "--reason", "x"], /unknown option/],
])("queue %j is wrong usage, exit code 64", async (args, sentence) => {
  const { code, err, out } = await sluice("queue", ...args);
  expect([code, out]).toEqual([64, ""]);
  expect(err).toMatch(sentence);
});
