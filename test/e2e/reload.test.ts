/**
 * SIGHUP: the config is read again while mail flows. What is wrong with it is told, and the one before stays; mail that
 * is in hand is finished by the config it began with.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { askAgent } from "../../src/control/client.ts";
import type { QueueRow } from "../../src/control/queue-view.ts";
import { Relay } from "../support/relay.ts";
import { SmtpClient, submit } from "../support/smtp-client.ts";
import { until } from "../support/until.ts";

const from = (sender: string, subject: string) => ({
  from: sender,
  data: `From: ${sender}\r\nSubject: ${subject}\r\n\r\nbody\r\n`,
});
const told = (relay: Relay) => relay.events("trouble").filter(({ part }) => part === "config");
const reloaded = (relay: Relay) => relay.events("reloaded").filter(({ what }) => what === "config");
const rows = async (relay: Relay) =>
  JSON.parse((await relay.command("queue", "list", "--json")).stdout) as QueueRow[];

/** Writes another config and has it read; resolves when that is over. */
async function reload(relay: Relay, change: (text: string) => string): Promise<void> {
  const before = told(relay).length + reloaded(relay).length;
  const text = await readFile(relay.configFile, "utf8");
  await writeFile(relay.configFile, change(text));
  process.kill(relay.processId, "SIGHUP");
  await until("it was read", () => told(relay).length + reloaded(relay).length > before);
}

const OTHER = { envelope: "other@lab.example", header: "other@lab.example" };
const SECOND = `  - name: second
    username: portal-user
    passwordFile: password
    senders: [other@lab.example]
    pace: unlimited
`;
const withSecond = (text: string) => text.replace(/^accounts:\n/m, `accounts:\n${SECOND}`);
const withoutSecond = (text: string) => text.replace(SECOND, "");

test("a new account, pace and log level are in force after SIGHUP; what is in hand is finished first", async () => {
  const relay = await Relay.start({ pairs: [OTHER], fail: ["dot=delay 1500ms"] });
  await submit(relay.port, from("app@lab.example", "in hand"));
  await until("it is in hand", async () => (await rows(relay)).some(({ state }) => state === "active"));
  expect((await submit(relay.port, from("other@lab.example", "too early"))).code).toBe(550);
  await reload(relay, (text) =>
    withSecond(text)
      .replace("pace: unlimited\n", "pace: { perHour: 3600, burst: 2 }\n")
      .concat("\nlog: { level: debug, recipients: hashed }\n"),
  );
  relay.setFaults();
  expect(reloaded(relay)).toMatchObject([{ what: "config", restart: [] }]);
  expect((await submit(relay.port, from("other@lab.example", "now"))).code).toBe(250);
  await submit(relay.port, from("app@lab.example", "paced"));
  await until("all were delivered", () => relay.events("delivered").length === 3);
  expect(
    relay
      .events("delivered")
      .map(({ account }) => account)
      .sort(),
  ).toEqual(["portal", "portal", "second"]);
  expect(relay.events("finished")).not.toEqual([]); // what only debug says
  const recipients = relay.events("delivered").map(({ recipients }) => String(recipients));
  expect(recipients.filter((one) => !/^#[0-9a-f]{12}@example\.org$/.test(one))).toEqual([]);
  expect((await relay.command("trace", "bob@example.org", "--json")).stdout).toContain('"bob@example.org"');
});

test("a broken config is refused with all its problems, told by health, and the one before stays in force", async () => {
  const relay = await Relay.start();
  await reload(relay, (text) => text.replace("pace: unlimited", "pace: { perHour: many, brust: 1 }"));
  const [refused] = told(relay);
  expect(refused?.problems).toHaveLength(2);
  expect(refused?.reason).toContain("the one before stays in force");
  await submit(relay.port);
  await until("it arrived all the same", () => relay.arrived.length === 1);
  const { http } = relay.events("started")[0] as { http?: string };
  const shown = await (await fetch(`http://${http}/healthz`)).text();
  expect(JSON.parse(shown)).toMatchObject({ ok: true, warnings: [expect.stringContaining("config file")] });
  expect(shown).not.toContain("many"); // no word of the file
  const health = await askAgent(join(relay.stateDir, "control.sock"), "/api/v1/health"); // the commands read the file too
  expect(health).toMatchObject({ body: { ok: true, warnings: [refused?.reason] } });
  await reload(relay, (text) => text.replace("pace: { perHour: many, brust: 1 }", "pace: { perHour: 3600 }"));
  expect(reloaded(relay)).toHaveLength(1);
  expect((await relay.command("queue")).stdout).not.toContain("refused");
});

test("an account that has mail is not removed, and says how much; without mail it goes", async () => {
  const relay = await Relay.start({ pairs: [OTHER] });
  await reload(relay, withSecond);
  relay.setFaults("mail=452 later");
  await submit(relay.port, from("other@lab.example", "waits"));
  await until("it is deferred", () => relay.events("deferred").length > 0);
  await reload(relay, withoutSecond);
  expect(told(relay).at(-1)?.reason).toContain("account second is not in the config and has 1 messages");
  relay.setFaults();
  await relay.command("queue", "retry", (await rows(relay))[0]?.id ?? "");
  await until("it arrived", () => relay.arrived.length === 1);
  await until("nothing is left", async () => (await rows(relay)).length === 0);
  await reload(relay, withoutSecond);
  expect(reloaded(relay)).toHaveLength(2);
  expect((await submit(relay.port, from("other@lab.example", "too late"))).code).toBe(550);
});

test("what only a start can change is named; a wrong password that was mended is tried at once", async () => {
  const relay = await Relay.start({ fail: ["auth=535 5.7.8 wrong"] });
  await submit(relay.port);
  await until("the breaker opened", () => relay.events("breaker-opened").length > 0);
  relay.setFaults();
  await reload(relay, (text) => text.replace('["127.0.0.1:0"]', '["127.0.0.1:0", "[::1]:0"]'));
  expect(reloaded(relay)).toMatchObject([{ restart: ["listen.addresses"] }]);
  await until("it arrived", () => relay.arrived.length === 1);
});

test("a message that was coming in while its account was removed stands in no other's way, and goes when it is back", async () => {
  const relay = await Relay.start({ pairs: [OTHER], config: "log: { level: debug }" });
  await reload(relay, withSecond);
  const client = await SmtpClient.connect(relay.port);
  for (const command of ["EHLO test", "MAIL FROM:<other@lab.example>", "RCPT TO:<bob@example.org>", "DATA"])
    await client.say(command);
  const looks = relay.events("recovered").length;
  await reload(relay, withoutSecond);
  expect(reloaded(relay)).toHaveLength(2);
  await until("the spool was looked at", () => relay.events("recovered").length > looks);
  expect(await client.say("From: other@lab.example\r\n\r\nlate\r\n.")).toMatch(/^250/);
  client.quit();
  await submit(relay.port, from("app@lab.example", "behind it"));
  await until("the other one arrived", () => relay.arrived.length === 1);
  await until("it is told", () => relay.events("trouble").some(({ account }) => account === "second"));
  await reload(relay, withSecond);
  await until("it arrived", () => relay.arrived.length === 2);
});

test("an account that has another name now has no other budget: what its credential sent counts", async () => {
  const relay = await Relay.start({ pace: "{ perHour: 60, burst: 10 }" });
  const send = async (count: number) => {
    for (let n = 0; n < count; n++) await submit(relay.port, from("app@lab.example", `${n}`));
  };
  await send(10);
  await until("the burst is used", () => relay.arrived.length === 10);
  await until("nothing is left", async () => (await rows(relay)).length === 0);
  await reload(relay, (text) =>
    text.replace("name: portal\n", "name: renamed\n").replace("burst: 10", "burst: 40"),
  );
  await send(40);
  await until("it waits for the budget", () =>
    relay.events("paced").some(({ account }) => account === "renamed"),
  );
  expect(relay.arrived).toHaveLength(40);
});
