/** How long mail could be worked on: what a crash may cut off, and who has no clock at all. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Config } from "../../../src/config/config.ts";
import { pairKey } from "../../../src/delivery/breakers.ts";
import { Standing } from "../../../src/delivery/standing.ts";
import { testFolder } from "../../support/folder.ts";
import { address, entryFor } from "../../support/messages.ts";

async function setting(workedMs?: Record<string, number>) {
  const stateDir = await testFolder();
  const file = join(stateDir, "delivery.json");
  if (workedMs) writeFileSync(file, JSON.stringify({ v: 1, workedMs }));
  const standing = new Standing({
    config: {
      stateDir,
      accounts: [],
      limits: { messageSizeBytes: 1000 },
      redis: { kind: "embedded" },
    } as unknown as Config,
    events: { report: () => {} },
    ledger: { fold: async () => {}, totals: () => ({}) as never },
    changedMs: () => 0,
    onClosed: () => {},
  });
  return { standing, keptOf: () => JSON.parse(readFileSync(file, "utf8")).workedMs };
}

test("a message that was accepted just before a crash is no younger than nothing, and ages on from there", async () => {
  const message = entryFor("1", { workedMs: 14_000 });
  for (const kept of [{}, { [pairKey(message)]: 10_000 }]) {
    const { standing } = await setting(kept);
    expect(standing.workedMs(message)).toBe(14_000);
    expect(standing.workedMs(entryFor("2"))).toBe(14_000); // the next one notes what the clock says now
    await standing.stop();
  }
});

test("mail without an account keeps no clock, however many strangers write", async () => {
  const { standing, keptOf } = await setting();
  for (let n = 0; n < 1000; n++) {
    const sender = address(`bounce-${n}@elsewhere.example`);
    const entry = entryFor(String(n), { account: null, envelope: { sender, recipients: [] }, from: sender });
    expect(standing.workedMs(entry)).toBe(0);
  }
  expect(standing.workedMs(entryFor("own"))).toBe(0);
  await standing.stop();
  expect(Object.keys(keptOf())).toEqual([pairKey(entryFor("own"))]);
});
