import { expect, test } from "vitest";
import { statusLine } from "../../../src/delivery/status-line.ts";

test("how it stands, in a line without names", () => {
  expect(statusLine({ custody: 0, reasons: [], warnings: 0 })).toBe("0 messages in custody; mail flows");
  const reasons = [
    { code: "account-stopped", reason: "portal is stopped" },
    { code: "account-stopped", reason: "news is stopped" },
    { code: "redis-away", reason: "Redis does not answer" },
  ] as const;
  expect(statusLine({ custody: 1, reasons, warnings: 1 })).toBe(
    "1 message in custody; an account's breaker is open; Redis is away; the config needs a look (sluice)",
  );
});
