/**
 * `npm run bench`: figures of the real program, as Markdown on standard output; what it is at goes to standard error.
 *
 *     npm run bench [-- [--cpu-prof DIR] PART…]      parts: disk accept deliver big rest
 *
 * Promises: under five minutes; ends with 1 when mail was lost or repeated, never because of a time.
 */
import { resolve } from "node:path";
import { performance } from "node:perf_hooks";
import { parseArgs } from "node:util";
import { measureAccept } from "./accept.ts";
import { closeRelays, profileInto } from "./bench-relay.ts";
import { measureBig } from "./big.ts";
import { measureDelivery } from "./deliver.ts";
import { describeMachine, measureDisk } from "./machine.ts";
import { Report } from "./report.ts";
import { measureRest } from "./rest.ts";

const PARTS: Readonly<Record<string, (report: Report) => Promise<void>>> = {
  disk: measureDisk,
  accept: measureAccept,
  deliver: measureDelivery,
  big: measureBig,
  rest: measureRest,
};

async function bench(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { "cpu-prof": { type: "string" } },
  });
  const unknown = positionals.find((name) => !(name in PARTS));
  if (unknown !== undefined) {
    console.error(`Cannot measure ${unknown}: the parts are ${Object.keys(PARTS).join(", ")}.`);
    process.exitCode = 64;
    return;
  }
  const profiles = values["cpu-prof"];
  if (profiles !== undefined) profileInto(resolve(profiles));
  const machine = describeMachine();
  const report = new Report();
  const since = performance.now();
  for (const name of positionals.length > 0 ? positionals : Object.keys(PARTS)) {
    console.error(`bench: ${name}…`);
    await PARTS[name]?.(report);
  }
  const seconds = Math.round((performance.now() - since) / 1000);
  const command = ["npm run bench", ...(positionals.length > 0 ? ["--", ...positionals] : [])].join(" ");
  console.log(
    `${machine}\n- command: \`${command}\` (${new Date().toISOString()}, ${seconds} s)\n${report.markdown()}`,
  );
  if (report.failures.length > 0) process.exitCode = 1;
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.once(signal, () => void closeRelays().finally(() => process.exit(1)));
}
await bench();
