import fc from "fast-check";
import { expect, it } from "vitest";
import type { SenderPolicy } from "../../src/policy/senders.ts";
import { address, pair, relay } from "../golden/relay.ts";
import { soaked } from "../support/runs.ts";
import { anyMessage, gluedValue } from "./any-message.ts";
import { evil, ok } from "./evil-from.ts";
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

const envelope = fc.constantFrom(
  address(ok),
  address(evil),
  address("root@app01.lab.wisc.edu"),
  news.envelope,
);

it("whatever the head, what goes out has one From, the policy's, for every parser", async () => {
  const seen = { sent: 0, other: 0 };
  await fc.assert(
    fc.asyncProperty(anyMessage, envelope, async (bytes, sender) => {
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
