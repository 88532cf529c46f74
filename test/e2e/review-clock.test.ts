/** The wall clock was a day ahead when mail was deferred, and is then set right. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "vitest";
import { testFolder } from "../support/folder.ts";
import { Relay } from "../support/relay.ts";
import { submit } from "../support/smtp-client.ts";
import { until } from "../support/until.ts";

const CLOCK = (file: string) => `
import { readFileSync } from "node:fs";
const real = Date.now;
const offset = () => { try { return Number(readFileSync(${JSON.stringify(file)}, "utf8")); } catch { return 0; } };
let now = offset();
setInterval(() => { now = offset(); }, 200).unref();
Date.now = () => real() + now;
const RealDate = Date;
globalThis.Date = class extends RealDate { constructor(...a) { if (a.length === 0) super(real() + now); else super(...a); } };
globalThis.Date.now = () => real() + now;
`;

test("deferred mail is tried within its retry time after the clock was set back by a day", async () => {
  const folder = await testFolder();
  const offset = join(folder, "offset");
  await writeFile(offset, String(86_400_000));
  await writeFile(join(folder, "clock.mjs"), CLOCK(offset));
  const relay = await Relay.start({
    fail: ["rcpt#1=450 4.2.0 later"],
    config: "retry: { first: 3s, max: 5s }",
    env: { NODE_OPTIONS: `--import ${join(folder, "clock.mjs")}` },
  });
  await submit(relay.port);
  await until("deferred", () => relay.events("deferred")[0]);
  await writeFile(offset, "0");
  await until("tried again", () => relay.arrived.length === 1, 60_000);
});
