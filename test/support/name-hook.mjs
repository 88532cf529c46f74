/**
 * Names that a test can change: `node --import …/name-hook.mjs dist/main.js run`, with a file in TEST_NAMES_FILE that
 * says what a name means, a line each: the name and its address, or the error of looking it up, as in
 * `localhost 127.0.0.2` or `localhost EAI_AGAIN`; or TXT, the name and a record, as in `TXT lab.example v=spf1 -all`.
 *
 * Promises: dns.promises.lookup reads the file anew each time and asks the system for names that are not in it. Each
 * lookup of a name in it leaves a line in the neighbour `.seen`. A name without a TXT line has no such record.
 */

import dns from "node:dns";
import { appendFileSync, readFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";

const file = process.env.TEST_NAMES_FILE;
const real = dns.promises.lookup;
const linesOf = (start) =>
  readFileSync(file, "utf8")
    .split("\n")
    .filter((one) => one.startsWith(`${start} `));

dns.promises.lookup = async (name, options) => {
  const [line] = linesOf(name);
  if (line === undefined) return real(name, options);
  appendFileSync(`${file}.seen`, `${line}\n`);
  const [, address = ""] = line.split(" ");
  if (!/^E/.test(address)) return options?.all ? [{ address, family: 4 }] : { address, family: 4 };
  throw Object.assign(new Error(`lookup ${address} ${name}`), { code: address });
};

dns.promises.Resolver.prototype.resolveTxt = async (name) => {
  const start = `TXT ${name}`;
  const records = linesOf(start).map((line) => [line.slice(start.length + 1)]);
  if (records.length > 0) return records;
  throw Object.assign(new Error(`queryTxt ENODATA ${name}`), { code: "ENODATA" });
};
syncBuiltinESMExports();
