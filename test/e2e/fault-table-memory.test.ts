/**
 * Promise P8 with a deep queue and a dead upstream: what the agent holds for a message that waits is less than a
 * kilobyte. With SLUICE_SOAK set there are 20,000 of them; the figures are printed.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { testFolder } from "../support/folder.ts";
import { Relay } from "../support/relay.ts";
import { soaked } from "../support/runs.ts";
import { SmtpClient } from "../support/smtp-client.ts";
import { until } from "../support/until.ts";

const DEPTHS = soaked(1) > 1 ? [5000, 20_000] : [1500, 6000];
const CLIENTS = 10;
const MOST_BYTES_A_MESSAGE = 1024;
const BODY = `Subject: waits\r\n\r\n${`${"x".repeat(76)}\r\n`.repeat(26)}`;

/** At SIGUSR2 the program collects its garbage and writes down what is left. */
const HOOK = `import { renameSync, writeFileSync } from "node:fs";
process.on("SIGUSR2", () => {
  for (let n = 0; n < 3; n++) gc();
  const file = process.env.TEST_MEMORY_FILE;
  writeFileSync(file + ".part", JSON.stringify(process.memoryUsage()));
  renameSync(file + ".part", file + "." + process.env.TEST_MEMORY_TIMES++);
});`;

async function submitMany(relay: Relay, count: number): Promise<void> {
  let left = count;
  const client = async () => {
    const session = await SmtpClient.connect(relay.port);
    await session.say("EHLO test");
    while (left-- > 0) expect((await session.send({ data: BODY })).code).toBe(250);
    session.quit();
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
}

test("what the agent holds for a message that waits while the upstream is dead is less than a kilobyte", async () => {
  const file = join(await testFolder(), "memory");
  const relay = await Relay.start({
    fail: ["connect=drop"],
    nodeOptions: ["--expose-gc", "--import", `data:text/javascript,${encodeURIComponent(HOOK)}`],
    env: { TEST_MEMORY_FILE: file, TEST_MEMORY_TIMES: "0" },
  });
  const found: NodeJS.MemoryUsage[] = [];
  let queued = 0;
  for (const depth of DEPTHS) {
    await submitMany(relay, depth - queued);
    queued = depth;
    await until("all were taken", () => relay.events("accepted").length === depth);
    process.kill(relay.processId, "SIGUSR2");
    const text = await until("it is measured", () =>
      readFile(`${file}.${found.length}`, "utf8").catch(() => ""),
    );
    found.push(JSON.parse(text));
  }
  const [less, more] = found as [NodeJS.MemoryUsage, NodeJS.MemoryUsage];
  const [from = 0, to = 0] = DEPTHS;
  const heldBytes = ({ heapUsed, external }: NodeJS.MemoryUsage) => heapUsed + external;
  const eachBytes = (heldBytes(more) - heldBytes(less)) / (to - from);
  const mb = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
  const depths = found.map(
    (memory, n) => `${DEPTHS[n]} queued: RSS ${mb(memory.rss)}, held ${mb(heldBytes(memory))}`,
  );
  console.log(`${depths.join("; ")}; ${Math.round(eachBytes)} bytes held for each message more`);
  expect(relay.arrived).toEqual([]);
  expect(eachBytes).toBeLessThan(MOST_BYTES_A_MESSAGE);
}, 240_000);
