import fc from "fast-check";
import { expect, it } from "vitest";
import type { SenderPolicy } from "../../src/policy/senders.ts";
import { address, pair, relay } from "../golden/relay.ts";
import { soaked } from "../support/runs.ts";
import {
  cleanedValues,
  evil,
  harmlessHeads,
  ok,
  plainValues,
  refusedHeads,
  refusedValues,
} from "./evil-from.ts";
import { expectIdentity } from "./three-parsers.ts";

const news = pair("bounces@lab.wisc.edu", "news@lab.wisc.edu");
const policy: SenderPolicy = {
  pairs: [
    { pair: pair(ok), account: "portal", rule: "accounts[0].senders[0]" },
    { pair: news, account: "portal", rule: "accounts[0].senders[1]" },
  ],
  rewrite: [
    { match: "root@*", to: news, rule: "senders.rewrite[0]" },
    { match: "*@evil.example", to: pair(ok), rule: "senders.rewrite[1]" },
  ],
  unknown: { kind: "send-as", pair: news },
  keepOriginal: "reply-to",
};

const evilValue = fc.constantFrom(
  ...[refusedValues, cleanedValues, plainValues].flatMap((table) => Object.values(table)),
  "root",
  "root (Cron Daemon)",
  '"(Cron Daemon)" <root>',
);
/** Texts glued together from what addresses are made of. */
const gluedValue = fc
  .array(
    fc.constantFrom(
      ok,
      evil,
      "<",
      ">",
      '"',
      "(",
      ")",
      "\\",
      ",",
      ";",
      ":",
      "@",
      " ",
      ".",
      "root",
      "=?utf-8?q?a=40b?=",
      "\r\n ",
      "\xf6",
      "\xe2\x80\x8b",
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(""));
const name = fc.constantFrom(
  "From",
  "FROM",
  "from",
  "From ",
  " From",
  "From\t",
  "Sender",
  "Sender ",
  "Resent-From",
  "Resent-Sender",
  "Reply-To",
  "Subject",
  "X-From",
  "DKIM-Signature",
  "\xe2\x80\x8bFrom",
  "From\0",
);
const ending = fc.oneof(
  { weight: 8, arbitrary: fc.constant("\r\n") },
  {
    weight: 1,
    arbitrary: fc.constantFrom("\n", "\r", "\r\r\n", "\n\r", "\r\n \r\n", "\r\n\r\n", "\0\r\n", "\r\n\t", ""),
  },
);
const line = fc
  .tuple(name, fc.constantFrom(": ", ":", " : ", ":\t", ":\r\n "), fc.oneof(evilValue, gluedValue), ending)
  .map((parts) => parts.join(""));
const wholeHead = fc.constantFrom(...Object.values(refusedHeads), ...Object.values(harmlessHeads));
const message = fc
  .tuple(
    fc.constantFrom("", "", "", `From ${evil} Mon Jan  5 10:00:00 2026\r\n`, "\r\n", "junk\r\n"),
    fc.array(fc.oneof({ weight: 6, arbitrary: line }, { weight: 1, arbitrary: wholeHead }), { maxLength: 4 }),
    fc.constantFrom("\r\nbody\r\n", "\n\nFrom: boss@evil.example\n", "", "\r\n.\r\n"),
  )
  .map(([first, lines, rest]) => Buffer.from(first + lines.join("") + rest, "latin1"));
const envelope = fc.constantFrom(
  address(ok),
  address(evil),
  address("root@app01.lab.wisc.edu"),
  news.envelope,
);

it("whatever the head, what goes out has one From, the policy's, for every parser", async () => {
  const seen = { sent: 0, other: 0 };
  await fc.assert(
    fc.asyncProperty(message, envelope, async (bytes, sender) => {
      const result = relay([bytes], sender, policy);
      seen[result.kind === "sent" ? "sent" : "other"]++;
      if (result.kind === "sent") await expectIdentity(result.bytes, result.pair);
    }),
    { numRuns: soaked(600) },
  );
  // The generator is worth something only while it makes both.
  expect(seen.sent).toBeGreaterThan(60);
  expect(seen.other).toBeGreaterThan(60);
});

it("whatever a single From says, what goes out has the policy's address for every parser", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        gluedValue,
        gluedValue.map((text) => `${text}<${ok}>`),
      ),
      envelope,
      async (value, sender) => {
        const result = relay([Buffer.from(`From: ${value}\r\n\r\nx\r\n`, "latin1")], sender, policy);
        if (result.kind === "sent") await expectIdentity(result.bytes, result.pair);
      },
    ),
    { numRuns: soaked(600) },
  );
});
