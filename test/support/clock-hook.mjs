/**
 * A clock that a test can set: `node --import …/clock-hook.mjs dist/main.js run`, with a file in TEST_CLOCK_FILE that
 * says by how many milliseconds the wall clock and the monotonic clock are off, as in `86400000 0`.
 *
 * Promises: Date.now(), new Date(), Date() and performance.now() say what the file says, from the first moment and at
 * most 20 ms after a change; what was read last stands in the file's neighbour `.seen`. Timers run as they do, as
 * they would if somebody set the clock of a machine.
 */
import { readFileSync, writeFileSync } from "node:fs";

const POLL_MS = 20;
const file = process.env.TEST_CLOCK_FILE;
const RealDate = Date;
const realNow = Date.now;
const realElapsed = performance.now.bind(performance);
let seen = "";
let [wallMs, monotonicMs] = [0, 0];

function read() {
  const text = readFileSync(file, "utf8");
  if (text === seen) return;
  [wallMs, monotonicMs] = text.split(" ").map(Number);
  seen = text;
  writeFileSync(`${file}.seen`, text);
}

const now = () => realNow() + wallMs;
RealDate.now = now;
performance.now = () => realElapsed() + monotonicMs;
globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, made) => Reflect.construct(target, args.length === 0 ? [now()] : args, made),
  apply: () => new RealDate(now()).toString(),
});
RealDate.prototype.constructor = globalThis.Date;

read();
setInterval(read, POLL_MS).unref();
