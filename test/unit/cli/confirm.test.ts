import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { confirmed } from "../../../src/cli/confirm.ts";

async function answering(answer: string): Promise<{ yes: boolean; asked: string }> {
  const [input, output] = [new PassThrough(), new PassThrough()];
  input.end(answer);
  const yes = await confirmed("Delete 2 messages for good?", { input, output });
  return { yes, asked: String(output.read() ?? "") };
}

test.each([
  ["y\n", true],
  ["YES\n", true],
  ["n\n", false],
  ["\n", false],
  ["yesterday\n", false],
  ["", false],
])("the answer %j is %s", async (answer, yes) => {
  const found = await answering(answer);
  expect(found.yes).toBe(yes);
  expect(found.asked).toContain("Delete 2 messages for good? [y/N] ");
});
