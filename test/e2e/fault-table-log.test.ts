/**
 * The fault table, trouble with the log: nobody reads it any more, or its disk is full. Mail does not notice.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { MAIN } from "../support/build.ts";
import { Relay } from "../support/relay.ts";
import { SmtpClient, submit } from "../support/smtp-client.ts";
import { until } from "../support/until.ts";

const MESSAGES = 20;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

/** The agent of `relay` with its log where the test wants it, on a port that need not be read from the log. */
async function startLoggingTo(relay: Relay, stdout: "pipe" | number) {
  const port = await freePort();
  const config = await readFile(relay.configFile, "utf8");
  await writeFile(relay.configFile, config.replace("127.0.0.1:0", `127.0.0.1:${port}`));
  const agent: ChildProcess = spawn(process.execPath, [MAIN, "run", "-c", relay.configFile], {
    stdio: ["ignore", stdout, "ignore"],
  });
  const ended = once(agent, "exit");
  onTestFinished(async () => {
    agent.kill("SIGTERM");
    await ended;
  });
  const greeted = async () => {
    const client = await SmtpClient.connect(port).catch(() => undefined);
    client?.quit();
    return client !== undefined;
  };
  await until("it listens", greeted);
  return { agent, port };
}

async function expectMailToFlow(relay: Relay, port: number): Promise<void> {
  const before = relay.arrived.length;
  for (let n = 0; n < MESSAGES; n++) expect((await submit(port)).code).toBe(250);
  await until("all arrived", () => relay.arrived.length >= before + MESSAGES);
}

test("a log that nobody reads any more stops no mail", async () => {
  const relay = await Relay.prepare();
  const { agent, port } = await startLoggingTo(relay, "pipe");
  await expectMailToFlow(relay, port);
  agent.stdout?.destroy();
  await expectMailToFlow(relay, port);
  expect(agent.exitCode).toBeNull();
});

test("a log on a full disk stops no mail", async () => {
  const relay = await Relay.prepare();
  const full = openSync("/dev/full", "w");
  const { agent, port } = await startLoggingTo(relay, full);
  closeSync(full);
  await expectMailToFlow(relay, port);
  expect(agent.exitCode).toBeNull();
});
