/**
 * `npm run soak [-- MINUTES]`: the tests that gain from time, long: properties with many runs, the kill -9 loop with
 * many rounds, again and again until the time is over (`SLUICE_SOAK_MINUTES`, default 10) or one fails.
 *
 * Promises: stops at the first failure, with its seed; no lap begins after the time is over, and the one under way is
 * finished, which may take some minutes more. The exit code is 0 only when nothing failed.
 */
import "./node-version.mjs";

/** How many times as long as in `npm test`. */
const FACTOR = 10;

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
  let laps = 0;
  do {
    const code = await runVitest(root, [...options, "test/property", "test/crash"], {
      SLUICE_SOAK: String(FACTOR),
    });
    if (code !== 0) {
      console.log(`soak: failed in lap ${laps + 1}`);
      process.exitCode = code;
      return;
    }
    laps++;
    console.log(`soak: lap ${laps} passed, ${Math.max(0, Math.round((end - Date.now()) / 1000))} s left`);
  } while (Date.now() < end);
}

soak();
