import { expect, test } from "vitest";
import { VERBS } from "../../../src/spool/verb.ts";
import { sluice } from "./command-line.ts";

const ID = "1m84xr46400t1k";

test.each(VERBS)("queue %s --help shows an example", async (verb) => {
  const { code, out } = await sluice("queue", verb, "--help");
  expect(code).toBe(0);
  expect(out).toMatch(new RegExp(`Examples?:\n  sluice queue ${verb}`));
  expect(out).toContain("-c, --config <file>");
});

test.each([
  [["retry"], /nothing says which messages: name ids, say --all, or give a filter/],
  [["retry", ID, "--all"], /ids and filters or --all do not go together/],
  [["hold", ID, "--sender", "news@"], /do not go together/],
  [["delete", ID, "--dry-run"], /ids and --dry-run do not go together/],
  [["hold", "--all"], /Cannot ask before messages are held as there is no terminal: say --yes/],
  [["release", "--older-than", "soon", "--yes"], /Write 90s, 10m, 2h or 1d/],
  [["bounce", "--state", "lost"], /Allowed choices are incoming, active, deferred, held, bounced/],
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
