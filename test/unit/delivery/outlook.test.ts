import { expect, test } from "vitest";
import { type OutlookParts, outlookOf } from "../../../src/delivery/outlook.ts";

const NOW = Date.UTC(2030, 0, 1);
const message = { id: "1m84xr46400t1k", class: "bulk" } as const;

async function stopped(waitMs: number) {
  const gate = { reason: "the account is stopped: 535 no", waitMs };
  const parts = { gate, now: () => NOW } as unknown as OutlookParts;
  return outlookOf(parts, { budget: { paced: true } } as never, [message]);
}

test("mail of a stopped account or upstream is told with the next probe, while that is known", async () => {
  const waits = await stopped(60_000);
  expect(waits.reason("bulk")).toBe("the account is stopped: 535 no");
  expect(waits.expectedMs(message.id, "bulk")).toBe(NOW + 60_000);
  expect((await stopped(0)).expectedMs(message.id, "bulk")).toBeUndefined();
});
