/** A spool in a folder of its own, closed and removed with the running test. */
import { onTestFinished } from "vitest";
import { Spool, type SpoolOptions } from "../../src/spool/spool.ts";
import { testFolder } from "./folder.ts";

export async function testSpool(
  changes: Partial<SpoolOptions> = {},
): Promise<{ spool: Spool; folder: string }> {
  const folder = changes.folder ?? (await testFolder());
  const usual = { maxMessages: 10, freeDiskBytes: 0, now: Date.now, random: Math.random };
  const spool = await Spool.open({ folder, ...usual, ...changes });
  onTestFinished(() => spool[Symbol.asyncDispose]());
  return { spool, folder };
}
