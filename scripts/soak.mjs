/**
 * `npm run soak [-- MINUTES]`: the tests that gain from time, long: properties with many runs, the crash loop with
 * hundreds of cycles, again and again until the time is over (`SLUICE_SOAK_MINUTES`, default 10) or one fails.
 *
 * Promises: stops at the first failure, with its seed; no lap begins after the time is over, and the one under way is
 * finished, which may take half an hour more. Each lap prints the figures of its crash loop, a line as it stands in
 * docs/reliability.md. The exit code is 0 only when nothing failed.
 */
import "./node-version.mjs";

/**
 * The parts of a lap; how many times as long as in `npm test`. 72 times are 360 cycles of the crash loop: more than
 * 300 kill -9 of the agent and 100 of Redis.
 */
const PARTS = [
  { tests: "test/property", factor: 300 },
  { tests: "test/crash", factor: 72 },
  { tests: "test/e2e/pacing.test.ts", factor: 25 },
];

async function soak() {
  const minutes = Number(process.argv[2] ?? process.env.SLUICE_SOAK_MINUTES ?? 10);
  if (!(minutes > 0)) {
    console.error(`Cannot soak for ${process.argv[2] ?? process.env.SLUICE_SOAK_MINUTES} minutes.`);
    process.exitCode = 64;
    return;
  }
  const { root, setUp } = await import("./setup.mjs");
  const { runVitest } = await import("./vitest.mjs");
  await setUp();
  const options = ["--bail=1", "--reporter=verbose", "--testTimeout=0"];
  const end = Date.now() + minutes * 60_000;
  for (let lap = 1; lap === 1 || Date.now() < end; lap++) {
    for (const { tests, factor } of PARTS) {
      const code = await runVitest(root, [...options, tests], { SLUICE_SOAK: String(factor) });
      if (code !== 0) {
        console.log(`soak: failed in lap ${lap}, in ${tests}`);
        process.exitCode = code;
        return;
      }
    }
    console.log(`soak: lap ${lap} passed, ${Math.max(0, Math.round((end - Date.now()) / 1000))} s left`);
  }
}

soak();
