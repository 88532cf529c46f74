/** `sluice queue repolicy` on the real program: mail that waits goes out as today's policy says, and nothing else changes. */
import { expect, test } from "vitest";
import type { QueueDetail } from "../../src/control/queue-view.ts";
import type { RepolicyPage } from "../../src/spool/route.ts";
import { Relay } from "../support/relay.ts";
import { submit } from "../support/smtp-client.ts";
import { until } from "../support/until.ts";

const BEFORE = `
retry: { first: 1h, max: 1h, expireAfter: 4d }
notices: { failure: none }
senders: { unknown: hold, rewrite: [ { match: "*@app01.internal", to: app@lab.example } ] }`;
const AFTER = `
retry: { first: 1h, max: 1h, expireAfter: 4d }
notices: { failure: none }
senders:
  unknown: hold
  rewrite:
    - { match: "*@app01.internal", to: { envelope: bounces@lab.example, header: news@lab.example } }
    - { match: ceo@lab.example, to: app@lab.example }`;

async function show(relay: Relay, id: string): Promise<QueueDetail> {
  return JSON.parse((await relay.command("queue", "show", id, "--json")).stdout);
}

const inState = (relay: Relay, id: string, state: QueueDetail["state"]) =>
  until(`${id} is ${state}`, async () => (await show(relay, id)).state === state || undefined);

test("mail that is held, deferred, bounced or parked by an operator goes out as the new policy says", async () => {
  const relay = await Relay.start({
    config: BEFORE,
    fail: ["rcpt:never@example.org=550 5.1.1 no such user", "rcpt:slow@example.org=451 4.7.1 greylisted"],
  });
  const cron = {
    from: "cron@app01.internal",
    data: "From: Cron <cron@app01.internal>\r\nSubject: c\r\n\r\nx\r\n",
  };
  const ceo = {
    from: "ceo@lab.example",
    data: "From: The CEO <ceo@lab.example>\r\nSubject: ceo\r\n\r\nx\r\n",
  };
  const [unknown, partly, bounced, parked] = [
    (await submit(relay.port, ceo)).id,
    (await submit(relay.port, { ...cron, to: ["bob@example.org", "slow@example.org"] })).id,
    (await submit(relay.port, { ...cron, to: "never@example.org" })).id,
    (await submit(relay.port, { ...cron, to: "slow@example.org" })).id,
  ];
  await inState(relay, partly, "deferred");
  await inState(relay, bounced, "bounced");
  await inState(relay, parked, "deferred");
  expect((await show(relay, unknown)).account).toBe(null);
  expect((await relay.command("queue", "release", unknown)).stderr).toContain(
    "then run sluice queue repolicy",
  );
  expect((await relay.command("queue", "hold", parked, "--reason", "look")).code).toBe(0);

  await relay.configure({ config: AFTER });
  const early = await relay.command("queue", "repolicy", "--dry-run");
  expect(early.stdout).toContain("-- 0 messages would change, 4 stay as they are, 0 left alone");
  expect(early.stderr).toContain("The agent runs on another policy than");
  await relay.down();
  relay.setFaults();
  await relay.up();
  const looked = await relay.command("queue", "repolicy", "--dry-run");
  expect(looked).toMatchObject({ code: 0, stderr: "" });
  expect(looked.stdout).toContain(
    `${unknown}  held -> queued, account none -> portal, From ceo@lab.example -> app@lab.example, envelope ceo@lab.example -> app@lab.example (senders.rewrite[1]: header From ceo@lab.example matches ceo@lab.example)\n`,
  );
  expect(looked.stdout).toContain("-- 4 messages would change, 0 stay as they are, 0 left alone");
  expect(await relay.command("queue", "repolicy")).toMatchObject({
    code: 64,
    stderr: expect.stringContaining("no terminal: say --yes"),
  });
  expect((await show(relay, unknown)).state).toBe("held");

  const applied = await relay.command("queue", "repolicy", "--yes", "--json");
  const { changed }: RepolicyPage = JSON.parse(applied.stdout);
  expect(changed.map(({ id, now, delivered }) => [id, now.state, now.from, delivered])).toEqual([
    [unknown, "queued", "app@lab.example", 0],
    [partly, "queued", "news@lab.example", 1],
    [bounced, "bounced", "news@lab.example", 0],
    [parked, "held", "news@lab.example", 0],
  ]);
  await until("the CEO's arrived", () => relay.arrived.some(({ subject }) => subject === "ceo"));
  const raw = await relay.arrivedRaw(relay.arrived.findIndex(({ subject }) => subject === "ceo"));
  expect(raw.toString()).toMatch(
    /^From: The CEO <app@lab\.example>\r$[\s\S]*^Reply-To: ceo@lab\.example\r$/m,
  );
  const { history, attempts } = await show(relay, partly);
  expect(attempts).toHaveLength(1);
  expect(history).toMatchObject([
    { what: "repolicied", detail: expect.stringContaining("From app@lab.example -> news@lab.example") },
  ]);
  await relay.command("queue", "retry", partly, bounced);
  await relay.command("queue", "release", parked);
  await until("all arrived", () => relay.arrived.length === 5);
  const asNews = relay.arrived.filter(({ sender }) => sender === "bounces@lab.example");
  expect(asNews.map(({ recipients }) => recipients).sort()).toEqual([
    ["never@example.org"],
    ["slow@example.org"],
    ["slow@example.org"],
  ]);
  expect(relay.events("repolicied")).toHaveLength(4);
  expect(relay.events("repolicied")).toContainEqual(
    expect.objectContaining({
      id: partly,
      was: { account: "portal", envelope: "app@lab.example", from: "app@lab.example", class: "bulk" },
      from: "news@lab.example",
      rule: "senders.rewrite[0]",
    }),
  );
});
