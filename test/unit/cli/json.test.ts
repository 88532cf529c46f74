import { expect, test } from "vitest";
import { jsonText } from "../../../src/cli/json.ts";

test("a document holds no control character, and says the same", () => {
  const value = { messageId: "<\u009b2J\u007f@x>", subject: "Grüße \u001b[2J", list: [1, null] };
  const text = jsonText(value);
  expect(text).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
  expect(text).toContain("Grüße");
  expect(JSON.parse(text)).toEqual(value);
});
