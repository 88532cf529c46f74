/**
 * `npm test`: sets up what is missing, then runs the whole suite; arguments go to vitest.
 *
 * Promises: the last line is `N passed, N failed`, a line before it says how many were skipped; the exit code is 0 only when nothing failed.
 */
import "./node-version.mjs";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runVitest } from "./vitest.mjs";

async function test() {
  const { root, setUp } = await import("./setup.mjs");
  await setUp();
  const folder = mkdtempSync(join(tmpdir(), "sluice-test-"));
  const results = join(folder, "results.json");
  const report = ["--reporter=default", "--reporter=json", `--outputFile.json=${results}`];
  const exitCode = await runVitest(root, [...report, ...process.argv.slice(2)]);
  const count = countResults(results);
  rmSync(folder, { recursive: true, force: true });
  // A file that cannot be loaded, an unhandled rejection or a crash is a failure without a failed test.
  if (exitCode !== 0 && count.failed === 0) count.failed = 1;
  process.exitCode = exitCode === 0 && count.failed > 0 ? 1 : exitCode;
  if (count.skipped > 0) console.log(`${count.skipped} skipped`);
  console.log(`${count.passed} passed, ${count.failed} failed`);
}

function countResults(file) {
  const count = { passed: 0, failed: 0, skipped: 0 };
  let report;
  try {
    report = JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return count; // vitest did not get to its end
  }
  for (const { status, assertionResults } of report.testResults) {
    for (const result of assertionResults) {
      if (result.status === "passed" || result.status === "failed") count[result.status] += 1;
      else count.skipped += 1;
    }
    if (status === "failed" && !assertionResults.some((result) => result.status === "failed"))
      count.failed += 1;
  }
  return count;
}

test();
