/** A folder for one test, removed with it. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** Made now, removed when the running test ends (after what the test itself closes). */
export async function testFolder(): Promise<string> {
  const path = await makeFolder();
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** The same for a whole file of tests: the caller removes it. */
export function makeFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), "sluice-test-"));
}
