import { afterAll, beforeAll, expect, test } from "vitest";
import { type Life, lifeOf } from "../../../src/control/life.ts";
import { nothingFound, traceText } from "../../../src/control/trace-text.ts";
import type { JournalLine } from "../../../src/journal/journal.ts";
import { accepted, attempt, fact, refused } from "../../support/trace-facts.ts";

const zone = process.env.TZ;
beforeAll(() => {
  process.env.TZ = "America/Chicago"; // CDT, five hours behind
});
afterAll(() => {
  if (zone === undefined) delete process.env.TZ;
  else process.env.TZ = zone;
});

const text = (...messages: Life[]) => traceText({ messages, more: false });

test("a life is a heading and a line for each fact, the outcome last", () => {
  const life = lifeOf(
    [
      accepted({ recipients: ["dean@example.org", "bob@example.org"], user: "www-data", subject: "Grüße" }),
      attempt("deferred", { at: "2026-03-31T09:14:02.000Z", recipients: ["bob@example.org"] }),
      attempt("delivered", {
        at: "2026-03-31T09:14:02.000Z",
        recipients: ["dean@example.org"],
        inDoubt: true,
      }),
      attempt("bounced", { at: "2026-03-31T09:24:00.000Z", recipients: ["bob@example.org"] }),
      fact("released", { at: "2026-03-31T10:00:00.000Z", verb: "retry" }),
      fact("held", { at: "2026-03-31T10:00:01.000Z", by: "operator", reason: "wrong template" }),
      fact("expired", {
        at: "2026-03-31T11:00:00.000Z",
        recipients: ["bob@example.org"],
        reason: "too old",
        delay: 1,
      }),
      fact("deleted", { at: "2026-04-07T11:00:00.000Z", reason: "bounced 7d ago" }),
    ],
    [
      accepted({
        at: "2026-03-31T09:24:01.000Z",
        id: "1m84xr4640n0t1",
        recipients: ["app@lab.example"],
        notice: { kind: "failure", of: "1m84xr46400t1k" },
      }),
    ],
  );
  expect(text(life)).toMatchInlineSnapshot(`
    "1m84xr46400t1k  deleted
      from        news@lab.example, envelope app@lab.example
      to          dean@example.org, bob@example.org
      subject     Grüße
      message-id  <1@app01.lab.example>
      account     portal
      user        www-data
      2026-03-31 04:14:00  accepted    from 127.0.0.1, 1234 bytes, bulk, by accounts[0].senders[0]
      2026-03-31 04:14:02  deferred    bob@example.org at relay[192.0.2.1]:587: 451 4.7.1 later; next 2026-03-31 04:24:00
      2026-03-31 04:14:02  delivered   dean@example.org at relay[192.0.2.1]:587 (in doubt: it may have arrived): 250 2.0.0 ok
      2026-03-31 04:24:00  bounced     bob@example.org at relay[192.0.2.1]:587: 550 5.1.1 no such user
      2026-03-31 04:24:01  notice      failure notice 1m84xr4640n0t1 to app@lab.example
      2026-03-31 05:00:00  released    by an operator (retry)
      2026-03-31 05:00:01  held        by an operator: wrong template
      2026-03-31 06:00:00  expired     bob@example.org: too old
      2026-04-07 06:00:00  deleted     bounced 7d ago

    -- 1 message"
  `);
});

test("a refusal, a notice, and a message that waits", () => {
  const waiting = {
    ...lifeOf([accepted(), attempt("deferred", { reply: undefined, reason: "relay: connection refused" })]),
    inQueue: true,
    reason: "the account portal is stopped: 535 no",
    nextAttempt: "2026-03-31T10:00:00.000Z",
  };
  const notice = lifeOf([accepted({ notice: { kind: "delay", of: "1m84xr46400t1k" } }), fact("finished")]);
  expect(text(lifeOf([refused({ sender: "root@x.example" })]), notice, waiting)).toMatchInlineSnapshot(`
    "(no queue id)  rejected
      from        root@x.example
      2026-03-31 04:14:00  rejected    at data, from 127.0.0.1: 550 5.7.1 app@elsewhere.example may not send: see accounts[].senders

    1m84xr46400t1k  delivered
      from        news@lab.example, envelope app@lab.example
      to          ann@example.org
      message-id  <1@app01.lab.example>
      account     portal
      notice      a delay notice of ours about 1m84xr46400t1k
      2026-03-31 04:14:00  accepted    from 127.0.0.1, 1234 bytes, bulk, by accounts[0].senders[0]
      2026-03-31 04:14:00  finished    every recipient has it

    1m84xr46400t1k  deferred
      from        news@lab.example, envelope app@lab.example
      to          ann@example.org
      message-id  <1@app01.lab.example>
      account     portal
      2026-03-31 04:14:00  accepted    from 127.0.0.1, 1234 bytes, bulk, by accounts[0].senders[0]
      2026-03-31 04:14:00  deferred    ann@example.org at relay[192.0.2.1]:587: relay: connection refused; next 2026-03-31 04:24:00
      now                  deferred: the account portal is stopped: 535 no; next attempt 2026-03-31 05:00:00

    -- 3 messages"
  `);
});

test("an operator's hold without a reason is told once, and a long word keeps the columns", () => {
  const at = "2026-03-31T10:00:01.000Z";
  const life = lifeOf([
    fact("held", { at, by: "operator", reason: "held by an operator" }),
    fact("repolicied", { at, by: "operator", rule: "senders.rewrite[0]", why: "it matches" }),
  ]);
  const [held, repolicied] = text(life).split("\n").slice(-4, -2);
  expect(held).toMatch(/ held {8}held by an operator$/);
  expect(repolicied).toMatch(/ repolicied {2}by senders/);
});

test("it is said that there are older ones", () => {
  expect(traceText({ messages: [lifeOf([accepted()])], more: true })).toContain(
    "there are older ones: see --limit",
  );
});

test("of many recipients ten are shown", () => {
  const recipients = Array.from({ length: 12 }, (_, n) => `user${n}@example.org`);
  expect(text(lifeOf([accepted({ recipients })]))).toContain("user9@example.org and 2 more\n");
});

test("no byte of a stranger reaches the terminal as it came, whatever field it stands in", () => {
  const evil = "\x1b[2J\u009b31m\u202egnp.exe\r\nrm -rf\x07é";
  const names =
    "at id sender from messageId account user client rule upstream next stage class reason verb sizeBytes subject";
  const hostile = Object.fromEntries(names.split(" ").map((name) => [name, evil]));
  const notice = { notice: { kind: evil, of: evil }, recipients: [evil] };
  const events = [
    "accepted",
    "delivered",
    "deferred",
    "bounced",
    "expired",
    "held",
    "released",
    "deleted",
    "finished",
  ];
  const facts = [...events, evil].map(
    (event) => ({ ...hostile, ...notice, event, reply: { code: 250, text: evil } }) as unknown as JournalLine,
  );
  facts.push(...[{}, { event: "delivered", recipients: 7 }].map((odd) => odd as unknown as JournalLine));
  const life = { ...lifeOf(facts, facts), inQueue: true, reason: evil, nextAttempt: evil };
  const shown = text(
    life,
    lifeOf([{ ...hostile, event: "rejected", reply: evil } as unknown as JournalLine]),
  );
  expect(shown.replace(/[\x20-\x7e\n\uFFFDé]/g, "")).toBe("");
  expect(shown).not.toMatch(/^rm -rf/m);
});

test("who finds nothing learns how far back the journal goes, and what else to ask for", () => {
  const sinceMs = Date.UTC(2026, 2, 31, 14);
  const memory = { from: "2026-03-17", history: "14d" };
  expect(nothingFound({ term: "<dean@example.org>", sinceMs, limit: 20 }, memory)).toMatchInlineSnapshot(
    `"Nothing is known of <dean@example.org> since 2026-03-31 09:00:00: the journal remembers from 2026-03-17 on (keep.history: 14d). To search wider, leave out --since and --until, or ask for all of @example.org, or ask for the sender, a recipient or the queue id from the reply 250."`,
  );
  expect(
    nothingFound({ term: "1m84xr46400t1k\x1b", limit: 20 }, { ...memory, from: null }),
  ).toMatchInlineSnapshot(
    `"Nothing is known of 1m84xr46400t1k\\x1b: the journal is empty. To search wider, ask for the sender, a recipient or the queue id from the reply 250."`,
  );
});

test("policy that was run again says what it changed, by which rule", () => {
  const was = { account: null, envelope: "root@a", from: "root@a", class: "bulk" };
  const now = { account: "portal", sender: "app@b", from: "app@b", class: "bulk" };
  const repolicied = fact("repolicied", { ...now, was, rule: "senders.rewrite[0]", why: "it matches" });
  expect(text(lifeOf([accepted(), repolicied]))).toContain(
    "account none -> portal, From root@a -> app@b, envelope root@a -> app@b, by senders.rewrite[0]: it matches",
  );
});

test("what the program said stands beside what was made of it, harmless", () => {
  const said = { sender: "cron@a", from: "root@a\u001b[2J", recipients: ["root"] };
  expect(text(lifeOf([accepted({ said })]))).toContain(
    "by accounts[0].senders[0]; the program said From root@a\\x1b[2J, envelope cron@a, to root",
  );
});
