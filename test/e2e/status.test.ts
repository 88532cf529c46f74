/**
 * The running program as supervisors, monitoring and people see it: probes that tell the truth, metrics that move, a link that
 * is good for one login.
 */
import { expect, test } from "vitest";
import type { Overview } from "../../src/control/overview.ts";
import { Relay } from "../support/relay.ts";
import { submit } from "../support/smtp-client.ts";
import { until } from "../support/until.ts";

const page = (relay: Relay) => `http://${relay.events("started").at(-1)?.http}`;
const code = async (url: string) => (await fetch(url)).status;

/** The value of a sample, its labels included in the name. */
async function metric(relay: Relay, name: string): Promise<number | undefined> {
  const lines = (await (await fetch(`${page(relay)}/metrics`)).text()).split("\n");
  const line = lines.find((one) => one.startsWith(`${name} `));
  return line === undefined ? undefined : Number(line.slice(name.length));
}

test("healthz tells of a password that is refused while mail waits for it, readyz and the listener go on, and metrics move", async () => {
  const relay = await Relay.start({ pace: "{ perHour: 1000, burst: 50 }" });
  await until("all is well", async () => (await code(`${page(relay)}/healthz`)) === 200);
  await submit(relay.port);
  expect((await submit(relay.port, { from: "stranger@evil.example" })).code).toBe(550);
  await until("it is counted as delivered", async () => {
    return (await metric(relay, 'sluice_attempts_total{account="portal",outcome="delivered"}')) === 1;
  });
  expect(await metric(relay, 'sluice_accepted_total{class="bulk"}')).toBe(1);
  expect(await metric(relay, 'sluice_rejected_total{code="550 5.7.1"}')).toBe(1);
  expect(await metric(relay, "sluice_accept_seconds_count")).toBe(1);
  expect(await metric(relay, "sluice_attempt_seconds_count")).toBe(1);
  await until("the budget's use is seen", async () => {
    return (await metric(relay, 'sluice_budget_used{account="portal"}')) === 1;
  });
  expect(await metric(relay, 'sluice_budget_limit{account="portal"}')).toBe(1000);

  await relay.down();
  relay.setFaults("auth=535 5.7.8 wrong password for secret@evil.example");
  await relay.up();
  const first = await submit(relay.port);
  const health = await until("it is told", async () => {
    const response = await fetch(`${page(relay)}/healthz`);
    const said = (await response.json()) as { reasons: { code: string }[] };
    return response.status === 503 && said.reasons[0]?.code === "account-stopped" ? said : undefined;
  });
  expect(health).toMatchObject({
    ok: false,
    reasons: [{ account: "portal", nextProbe: expect.any(String) }],
  });
  expect(JSON.stringify(health)).not.toMatch(/@|535/);
  expect(await code(`${page(relay)}/readyz`)).toBe(200);
  const other = await submit(relay.port);
  expect(other.code).toBe(250);
  expect(await metric(relay, 'sluice_breaker_open{breaker="account",account="portal"}')).toBe(1);
  await until("both wait", async () => {
    const states = ["incoming", "active", "deferred"].map((state) =>
      metric(relay, `sluice_queue_messages{account="portal",state="${state}"}`),
    );
    return (await Promise.all(states)).reduce((sum = 0, n = 0) => sum + n, 0) === 2;
  });
  const { stdout } = await relay.command();
  expect(stdout).toContain("535 5.7.8 wrong password");
  expect(stdout).toMatch(/queue +2 incoming/);
  const told = JSON.parse((await relay.command("--json")).stdout).overview as Overview;
  expect(told.hours.at(-1)).toMatchObject({ refused: 1 }); // of the last run, from the journal
  expect(told.failures).toContainEqual(expect.objectContaining({ event: "rejected" }));

  expect((await relay.command("queue", "delete", "--yes", first.id, other.id)).code).toBe(0);
  await until(
    "no mail waits for it: all is well",
    async () => (await code(`${page(relay)}/healthz`)) === 200,
  );
});

test("status-url logs in once; the page's server is gone when sluice is, and a port that is taken costs no mail", async () => {
  const relay = await Relay.start();
  const { stdout, code: exit } = await relay.command("status-url");
  expect({ exit, stdout }).toEqual({
    exit: 0,
    stdout: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/login\?token=\S+\n$/),
  });
  const login = await fetch(stdout.trim(), { redirect: "manual" });
  expect(login.status).toBe(303);
  expect(await code(stdout.trim())).toBe(403);
  const cookie = String(login.headers.get("set-cookie")?.split(";")[0]);
  const live = await fetch(`${page(relay)}/api/v1/events`, { headers: { cookie } });
  const reader = (live.body as ReadableStream<Uint8Array>).getReader();
  await reader.read();

  const second = await Relay.prepare({ http: `{ listen: "${page(relay).slice(7)}" }` });
  await second.up();
  expect(second.events("trouble")).toMatchObject([
    { level: "warn", part: "http", reason: expect.stringContaining("http.listen") },
  ]);
  const none = await second.command("status-url");
  expect(none).toMatchObject({ code: 69, stdout: "", stderr: expect.stringContaining("could not be had") });
  await submit(second.port);
  await until("mail goes on", () => second.arrived.length === 1);

  const ended = relay.down();
  await until("the stream ends", async () => (await reader.read().catch(() => ({ done: true }))).done);
  expect(await ended).toBe(0);
  await expect(fetch(`${page(relay)}/healthz`)).rejects.toThrow();
});

test("while sluice stops readyz says that no mail is taken, and health is answered until the end", async () => {
  const relay = await Relay.start({ config: "stopTimeout: 2s", fail: ["dot=hang"] });
  await submit(relay.port);
  await until(
    "it is in a session",
    async () => (await metric(relay, 'sluice_sessions{account="portal"}')) === 1,
  );
  expect(await code(`${page(relay)}/readyz`)).toBe(200);
  const ended = relay.down();
  await until("no mail is taken", async () => (await code(`${page(relay)}/readyz`)) === 503);
  expect(await code(`${page(relay)}/healthz`)).toBe(200);
  expect(await ended).toBe(0);
});

test("healthz tells of an upstream that answers and takes nothing for a quarter of an hour, until it takes a message", async () => {
  const relay = await Relay.start({
    clock: "test",
    fail: ["dot=451 4.3.0 not now"],
    config: "retry: { first: 1m, max: 5m }",
  });
  await submit(relay.port);
  await submit(relay.port);
  await until("both were deferred", () => relay.events("deferred").length === 2);
  expect(await code(`${page(relay)}/healthz`)).toBe(200);
  await relay.jumpClock({ wallMs: 16 * 60_000, monotonicMs: 16 * 60_000 });
  const said = await until("it is told", async () => {
    const { reasons } = (await (await fetch(`${page(relay)}/healthz`)).json()) as {
      reasons: { code: string }[];
    };
    return reasons.find((reason) => reason.code === "nothing-delivered");
  });
  expect(said).toMatchObject({ account: "portal", words: "mail is tried and nothing is delivered" });
  relay.setFaults();
  await relay.jumpClock({ wallMs: 6 * 60_000, monotonicMs: 6 * 60_000 });
  await until("mail flows", async () => (await code(`${page(relay)}/healthz`)) === 200, 40_000);
  expect(relay.arrived.length).toBeGreaterThan(0);
});
