import { expect, test } from "vitest";
import { sluice } from "./command-line.ts";
import { configFile } from "./config-file.ts";

test.each([
  [["--to", ""], /^--to needs an address$/m],
  [["--to", "<>"], /^--to needs an address$/m],
  [
    ["--to", "dean@example.org,bob@example.org"],
    /^--to "dean@example.org,bob@example.org": it is not one plain/m,
  ],
  [["--to", "\u001b[2J@x"], /control or 8-bit character/],
  [["--to", "dean@example.org", "--from", "a b"], /^--from "a b": .*/m],
  [["--to", "dean@example.org", "--timeout", "0s"], /It must be longer than nothing/],
  [["--to", "dean@example.org", "--timeout", "soon"], /Write 90s, 10m, 2h or 1d/],
])("send-test %j is wrong usage, exit code 64, and nothing is sent", async (args, sentence) => {
  const { code, out, err } = await sluice("send-test", ...args, "-c", configFile());
  expect([code, out]).toEqual([64, ""]);
  expect(err).toMatch(sentence);
});
