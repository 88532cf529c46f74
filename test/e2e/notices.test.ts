/**
 * Who sent a message learns by mail that it failed or is late (RFC 3464), and 20,000 failures are no 20,000 notices.
 */
import { simpleParser } from "mailparser";
import { expect, test } from "vitest";
import type { QueueRow } from "../../src/control/queue-view.ts";
import { Relay } from "../support/relay.ts";
import { submit } from "../support/smtp-client.ts";
import { until } from "../support/until.ts";

const HOUR_MS = 3_600_000;
const QUICK = "retry: { first: 1s, max: 2s, expireAfter: 4d }";
const FROM = { from: "bounces@lab.example" };
const data = (n: number) =>
  `From: news@lab.example\r\nSubject: s${n}\r\nX-Mark: head${n}\r\n\r\nsecret body ${n}\r\n`;

/** Notices that arrived, parsed: subject, whom it went to, all of its text. */
async function notices(relay: Relay) {
  const found = [];
  for (const [index, arrived] of relay.arrived.entries()) {
    const raw = await relay.arrivedRaw(index);
    if (!/^Auto-Submitted: auto-/im.test(raw.toString("latin1"))) continue;
    found.push({ arrived, raw: raw.toString("latin1"), mail: await simpleParser(raw) });
  }
  return found;
}

async function rows(relay: Relay): Promise<QueueRow[]> {
  return JSON.parse((await relay.command("queue", "list", "--json")).stdout);
}

test("the envelope sender gets one notice for all recipients that were refused, with the upstream's words", async () => {
  const relay = await Relay.start({
    fail: ["rcpt:a@example.org=550 5.1.1 no such user", "rcpt:b@example.org=550 5.2.1 mailbox disabled"],
  });
  const to = ["a@example.org", "b@example.org", "c@example.org"];
  const { id } = await submit(relay.port, { ...FROM, to, data: data(1) });
  const [notice] = await until("the notice", async () => {
    const found = await notices(relay);
    return found.length > 0 ? found : undefined;
  });
  expect(notice?.arrived).toMatchObject({
    sender: "app@lab.example", // the first address of the config: relays take no null sender
    headerFrom: "app@lab.example",
    recipients: ["bounces@lab.example"],
  });
  expect(notice?.raw).toContain("report-type=delivery-status");
  for (const words of ["Final-Recipient: rfc822; a@example.org", "Status: 5.1.1", "550 5.1.1 no such user"])
    expect(notice?.raw.replace(/\r\n[ \t]/g, " ")).toContain(words);
  expect(notice?.raw).toContain("Status: 5.2.1");
  expect(notice?.raw).not.toContain("Final-Recipient: rfc822; c@example.org");
  expect(notice?.raw).toContain("X-Mark: head1");
  expect(notice?.raw).not.toContain("secret body");
  expect(notice?.mail.text).toContain(id);
  await until("only the bounced one is left", async () => (await rows(relay)).length === 1);
  expect(await notices(relay)).toHaveLength(1);
});

test("a notice that bounces causes no notice, and MAIL FROM:<> causes none", async () => {
  const relay = await Relay.start({ fail: ["rcpt=550 5.1.1 no such user"] });
  await submit(relay.port);
  await until("the message and its notice bounced", () => relay.events("bounced").length === 2);
  await submit(relay.port, { from: "", data: "From: app@lab.example\r\n\r\nx\r\n" });
  await until("all three bounced", async () => (await rows(relay)).filter(isBounced).length === 3);
  expect(relay.events("accepted")).toHaveLength(3);
});

test("notices beyond notices.perHour are told in one digest an hour later, over a restart", async () => {
  const relay = await Relay.start({
    clock: "test",
    config: "notices: { perHour: 2 }",
    fail: ["rcpt:*@example.org=550 5.1.1 no such user"],
  });
  for (let n = 0; n < 12; n++) await submit(relay.port, { ...FROM, data: data(n) });
  await until("all bounced", () => relay.events("bounced").length === 12);
  await until("two notices", async () => (await notices(relay)).length === 2);
  await relay.kill("agent and redis");
  await relay.jumpClock({ wallMs: HOUR_MS + 60_000, monotonicMs: 0 });
  await relay.up();
  const found = await until("the digest", async () => {
    const all = await notices(relay);
    return all.length === 3 ? all : undefined;
  });
  expect(found[2]?.arrived.recipients).toEqual(["bounces@lab.example"]);
  expect(found[2]?.mail.text).toMatch(/\b10\b/);
  await relay.down();
  await relay.up();
  await submit(relay.port, { to: "bob@example.net" });
  await until("the next message arrived", () => relay.arrived.length === 4);
  expect(await notices(relay)).toHaveLength(3);
});

test("with notices.failure: none there are none; with an address, it gets them", async () => {
  const fail = ["rcpt:*@example.org=550 5.1.1 no such user"];
  const none = await Relay.start({ fail, config: "notices: { failure: none }" });
  await submit(none.port);
  await until("it bounced", async () => (await rows(none)).some(isBounced));
  expect(none.events("accepted")).toHaveLength(1);
  const desk = await Relay.start({ fail, config: "notices: { failure: desk@lab.example }" });
  await submit(desk.port);
  await until("the notice", () => desk.arrived.length === 1);
  expect(desk.arrived[0]?.recipients).toEqual(["desk@lab.example"]);
});

test("a notice does not go where the account's mail may not go, and that is told", async () => {
  const relay = await Relay.start({
    fail: ["rcpt:*@example.org=550 5.1.1 no such user"],
    config: "notices: { failure: desk@elsewhere.example }",
    accountConfig: 'recipients: { allowDomains: ["example.org"] }',
  });
  await submit(relay.port);
  const told = await until("it is told", () =>
    relay.events("trouble").find(({ part }) => part === "notices"),
  );
  expect(told.reason).toContain("no notice to desk@elsewhere.example");
  await until("it bounced", async () => (await rows(relay)).some(isBounced));
  expect(relay.events("accepted")).toHaveLength(1);
});

test("mail that is late is told once, with the time until which it is tried", async () => {
  const relay = await Relay.start({
    clock: "test",
    config: `${QUICK}\nnotices: { delayAfter: 5m }`,
    fail: ["rcpt:*@example.org=451 4.7.1 greylisted"],
  });
  await submit(relay.port, { ...FROM, data: data(1) });
  await until("deferred", () => relay.events("deferred").length > 0);
  expect(await notices(relay)).toHaveLength(0);
  await relay.jumpClock({ wallMs: 600_000, monotonicMs: 600_000 });
  const [notice] = await until(
    "the delay notice",
    async () => {
      const found = await notices(relay);
      return found.length > 0 ? found : undefined;
    },
    40_000,
  );
  expect(notice?.raw).toContain("Action: delayed");
  expect(notice?.raw).toContain("Will-Retry-Until:");
  const before = relay.events("deferred").length;
  await until("tried again", () => relay.events("deferred").length > before + 1, 40_000);
  expect(await notices(relay)).toHaveLength(1);
});

test("a crash between a notice and the line that says so makes no second notice", async () => {
  for (const crashAt of ["notice-spooled", "noticed"] as const) {
    const relay = await Relay.prepare({ fail: ["rcpt:*@example.org=550 5.1.1 no such user"] });
    await relay.up({ crashAt });
    await submit(relay.port, { ...FROM, data: data(1) });
    await relay.ended();
    await relay.up();
    await until("the notice", async () => (await notices(relay)).length > 0);
    await until("nothing else is under way", async () => (await rows(relay)).every(isBounced));
    await relay.down();
    await relay.up();
    await submit(relay.port, { to: "bob@example.net" });
    await until("the next message arrived", () =>
      relay.arrived.some(({ recipients }) => recipients[0] === "bob@example.net"),
    );
    expect(await notices(relay)).toHaveLength(1);
  }
});

test("a crash right after a notice makes no second one while another recipient is still tried", async () => {
  const relay = await Relay.prepare({
    config: QUICK,
    fail: ["rcpt:a@example.org=550 5.1.1 no such user", "rcpt:b@example.org=451 4.7.1 greylisted"],
  });
  await relay.up({ crashAt: "notice-spooled" });
  await submit(relay.port, { ...FROM, to: ["a@example.org", "b@example.org"], data: data(1) });
  await relay.ended();
  await relay.up();
  const tried = () => relay.events("deferred").filter(({ inDoubt }) => !inDoubt);
  await until("b was tried twice more", () => tried().length >= 3);
  relay.setFaults();
  await until("b has it", () => relay.arrived.some(({ recipients }) => recipients[0] === "b@example.org"));
  await until("nothing else is under way", async () => (await rows(relay)).every(isBounced));
  expect(await notices(relay)).toHaveLength(1);
});

function isBounced({ state }: QueueRow): boolean {
  return state === "bounced";
}
