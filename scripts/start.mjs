/**
 * `npm start`: sets up what is missing, then becomes `node dist/main.js demo`.
 *
 * Promises: no process in between, so signals and exit code are the program's own.
 */
import "./node-version.mjs";

async function start() {
  const { root, setUp } = await import("./setup.mjs");
  await setUp();
  const { join } = await import("node:path");
  const { pathToFileURL } = await import("node:url");
  const main = join(root, "dist", "main.js");
  process.chdir(root);
  process.argv = [process.argv[0], main, "demo", ...process.argv.slice(2)];
  await import(pathToFileURL(main).href);
}

start();
