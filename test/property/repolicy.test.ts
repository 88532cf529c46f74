/** Policy run again is policy run the first time: nothing that an earlier policy did to a head is left in it. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { type DecisionSettings, decide } from "../../src/decision/decide.ts";
import { asOffered } from "../../src/delivery/as-offered.ts";
import { decideMessage, type Submission } from "../../src/intake/decision.ts";
import type { IntakeSettings } from "../../src/intake/ports.ts";
import type { Address } from "../../src/mail/address.ts";
import type { Head } from "../../src/mail/head.ts";
import { MessageReader } from "../../src/mail/reader.ts";
import { restoreHead } from "../../src/message/undo.ts";
import type { StoredEntry } from "../../src/spool/entry.ts";
import { address, hostname, pair } from "../golden/relay.ts";
import { soaked } from "../support/runs.ts";
import { anyMessage } from "./any-message.ts";
import { evil, ok } from "./evil-from.ts";

const BOB = address("bob@example.org");
const TIME = new Date(Date.UTC(2026, 0, 5, 10, 0, 0));
const news = pair("bounces@lab.wisc.edu", "news@lab.wisc.edu");
const own = pair(evil);

/** Policies that differ in everything that policy may do. */
const settings = fc
  .record({
    allowed: fc.constantFrom("portal", "portal and boss"),
    rewrite: fc.constantFrom("nothing", "evil", "root"),
    unknown: fc.constantFrom<DecisionSettings["senders"]["unknown"]>(
      { kind: "hold" },
      { kind: "reject" },
      { kind: "send-as", pair: news },
    ),
    keepOriginal: fc.constantFrom<DecisionSettings["senders"]["keepOriginal"]>("reply-to", "header", "none"),
    urgentSenders: fc.constantFrom<readonly Address[]>([], [own.header], [news.envelope]),
    allowDomains: fc.constantFrom([], ["wisc.edu"]),
  })
  .map(
    ({ allowed, rewrite, unknown, keepOriginal, urgentSenders, allowDomains }): IntakeSettings => ({
      hostname,
      listen: { clients: [], maxConnections: 1 },
      limits: { messageSizeBytes: 5_000_000, recipients: 10, hops: 50, uploadsBytes: 1 },
      recipients: { aliases: new Map() },
      keep: { subjects: false },
      accounts: [
        { name: "portal", allowDomains: [] },
        { name: "boss", allowDomains },
      ],
      senders: {
        pairs: [
          { pair: pair(ok), account: "portal", rule: "accounts[0].senders[0]" },
          { pair: news, account: "portal", rule: "accounts[0].senders[1]" },
          ...(allowed === "portal" ? [] : [{ pair: own, account: "boss", rule: "accounts[1].senders[0]" }]),
        ],
        rewrite:
          rewrite === "nothing"
            ? []
            : [
                {
                  match: rewrite === "evil" ? "*@evil.example" : "root@*",
                  to: news,
                  rule: "senders.rewrite[0]",
                },
              ],
        unknown,
        keepOriginal,
        nullSender: address(ok),
      },
      urgent: { headers: { "X-From": ok }, senders: urgentSenders, users: [] },
    }),
  );

/** With the envelope sender as the client says it. */
const sender = fc.constantFrom(
  { said: ok, address: address(ok) },
  { said: evil, address: address(evil) },
  { said: "root", address: address(`root@${hostname}`) },
  { said: null, address: null },
);

function submissionOf({ said, address }: { said: string | null; address: Address | null }): Submission {
  return {
    id: "1m84xr46400t1k",
    time: TIME,
    client: { ip: "127.0.0.1", helo: "app01", protocol: "ESMTP" },
    sender: address,
    recipients: [BOB],
    said: { sender: said, recipients: [BOB] },
  };
}

function headOf(bytes: Buffer): Head | undefined {
  const reader = new MessageReader();
  reader.push(bytes);
  reader.end();
  return reader.head.kind === "complete" ? reader.head.head : undefined;
}

/** Accepted under one policy, as it stands in the spool; undefined when that refuses it. */
function accepted(policy: IntakeSettings, submission: Submission, head: Head) {
  const decision = decideMessage(policy, submission, head);
  if (decision.action === "refuse") return undefined;
  const { entry, headBytes } = decision;
  const stored = {
    ...entry,
    v: 1,
    timeMs: TIME.getTime() + 1500,
    eightBit: false,
    wireBytes: headBytes.length,
  };
  return { entry: JSON.parse(JSON.stringify(stored)) as StoredEntry, headBytes };
}

/** Decided again under `policy`. */
function again({ entry, headBytes }: { entry: StoredEntry; headBytes: Buffer }, policy: IntakeSettings) {
  const offered = asOffered(entry, headBytes, hostname);
  if ("problem" in offered) throw new Error(offered.problem);
  return decide(policy, { ...offered, recipients: entry.envelope.recipients }, "park");
}

it("a message accepted under one policy and run through another is what the other makes of it directly", () => {
  const seen = { sent: 0, parked: 0 };
  fc.assert(
    fc.property(anyMessage, sender, settings, settings, (bytes, from, before, after) => {
      const head = headOf(bytes);
      const first = head && accepted(before, submissionOf(from), head);
      if (!first) return;
      const found = again(first, after);
      if (found.action === "refuse") throw new Error(found.why);
      const direct = decideMessage(after, submissionOf(from), head);
      if (direct.action === "refuse") {
        seen.parked++;
        expect(found).toMatchObject({ action: "hold", account: null });
        return;
      }
      seen.sent++;
      const { entry } = direct;
      expect(found.edited.bytes.toString("latin1")).toBe(direct.headBytes.toString("latin1"));
      expect({ ...found, edited: undefined, pair: undefined, action: undefined }).toEqual({
        account: entry.account,
        rule: entry.rule,
        why: entry.why,
        class: entry.class,
        from: entry.received.from === "" ? undefined : entry.received.from,
      });
      expect(found.pair).toEqual({ envelope: entry.envelope.sender, header: entry.from });
      const { changes, messageId, undo } = found.edited;
      expect({ changes, messageId, undo }).toEqual({
        changes: entry.changes,
        messageId: entry.messageId,
        undo: entry.undo,
      });
    }),
    { numRuns: soaked(1000) },
  );
  // The generators are worth something only while they make both.
  expect(seen.sent).toBeGreaterThan(50);
  expect(seen.parked).toBeGreaterThan(20);
});

it("the head that came is had back to the byte, whatever was done to it", () => {
  fc.assert(
    fc.property(anyMessage, sender, settings, (bytes, from, policy) => {
      const head = headOf(bytes);
      const first = head && accepted(policy, submissionOf(from), head);
      if (!first) return;
      const { mboxLine, fields, separated } = head;
      const came = [
        ...(mboxLine ? [mboxLine] : []),
        ...fields.map(({ raw }) => raw),
        Buffer.from(separated ? "\r\n" : ""),
      ];
      const restored = restoreHead(first.headBytes, first.entry.undo ?? []);
      expect(restored.came.toString("latin1")).toBe(Buffer.concat(came).toString("latin1"));
    }),
    { numRuns: soaked(1000) },
  );
});

it("a message of an older version, which kept no way back, stays as it is under the same policy", () => {
  fc.assert(
    fc.property(anyMessage, sender, settings, (bytes, from, policy) => {
      const head = headOf(bytes);
      const first = head && accepted(policy, submissionOf(from), head);
      if (!first) return;
      const { undo: _, ...entry } = first.entry;
      const found = again({ ...first, entry }, policy);
      if (found.action === "refuse") throw new Error(found.why);
      expect(found.edited.bytes.toString("latin1")).toBe(first.headBytes.toString("latin1"));
      expect(found.account).toBe(entry.account);
    }),
    { numRuns: soaked(1000) },
  );
});
