/** A folder for one test, removed with it. */
import { rm } from "node:fs/promises";
import { onTestFinished } from "vitest";
import { makeFolder } from "./make-folder.ts";

/** Made now, removed when the running test ends (after what the test itself closes). */
export async function testFolder(): Promise<string> {
  const path = await makeFolder();
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}
