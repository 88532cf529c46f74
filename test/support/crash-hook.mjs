/**
 * Makes the program die at a crash point: `node --import …/crash-hook.mjs dist/main.js run`, with the point in
 * SLUICE_CRASH_AT: `recorded` for the first time that it is reached, `recorded#3` for the third.
 *
 * Promises: SIGKILL, and not one statement of the program after it. Puts this module in the place of
 * dist/observe/crash-point.js, which does nothing: the program itself knows of no way to be crashed.
 */
import * as module from "node:module";
import { isMainThread } from "node:worker_threads";

const [point, times = "1"] = (process.env.SLUICE_CRASH_AT ?? "").split("#");
let left = Number(times);

export function crashPoint(name) {
  if (name !== point || --left > 0) return;
  process.kill(process.pid, "SIGKILL");
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0); // the signal may take a moment to arrive
}

export function load(url, context, nextLoad) {
  if (!url.endsWith("/dist/observe/crash-point.js")) return nextLoad(url, context);
  const source = `export { crashPoint } from ${JSON.stringify(import.meta.url)};`;
  return { format: "module", shortCircuit: true, source };
}

// Node 20 has no hooks in the thread of the program: there `register` loads this file a second time, in another one.
if (module.registerHooks) module.registerHooks({ load });
else if (isMainThread) module.register(import.meta.url);
