/**
 * `npm run bench`: sets up what is missing, then becomes the bench (test/bench/main.ts); arguments go to it.
 *
 * The bench is TypeScript, which Node 20 cannot run, and no test, which vitest could: it is compiled into .cache.
 */
import "./node-version.mjs";

async function bench() {
  const { root, setUp } = await import("./setup.mjs");
  const { must } = await import("./run.mjs");
  const { join } = await import("node:path");
  const { pathToFileURL } = await import("node:url");
  await setUp();
  process.chdir(root);
  const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
  await must("compiling the bench", process.execPath, [compiler, "-p", "test/bench"]);
  const main = join(root, ".cache", "bench", "test", "bench", "main.js");
  process.argv = [process.argv[0], main, ...process.argv.slice(2)];
  await import(pathToFileURL(main).href);
}

bench();
