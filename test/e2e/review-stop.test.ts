/** SIGTERM while a long recovery runs ends within stopTimeout. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { formatEntry } from "../../src/spool/entry.ts";
import { queueIdMaker } from "../../src/spool/queue-id.ts";
import { entryFor, WIRE } from "../support/messages.ts";
import { Relay } from "../support/relay.ts";

test("stop does not wait for a recovery of the whole spool", async () => {
  const relay = await Relay.prepare({ config: "stopTimeout: 2s", fail: ["connect=drop"] });
  const spool = join(relay.stateDir, "spool");
  await mkdir(spool, { recursive: true, mode: 0o700 });
  const id = queueIdMaker({ now: Date.now, random: Math.random });
  for (let n = 0; n < 400; n++) {
    await Promise.all(
      Array.from({ length: 100 }, () => {
        const one = id();
        return writeFile(join(spool, one), Buffer.concat([formatEntry(entryFor(one), WIRE.length), WIRE]));
      }),
    );
  }
  await relay.up();
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const recovering = relay.events("recovered").length === 0;
  const began = Date.now();
  await relay.down();
  console.log(`stopped in ${Date.now() - began} ms, recovery ran: ${recovering}`);
  expect(Date.now() - began).toBeLessThan(6000);
}, 240_000);
