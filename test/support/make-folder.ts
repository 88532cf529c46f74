/** A folder of its own for a file of tests or a bench: the caller removes it. */
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export function makeFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), "sluice-test-"));
}
