import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fitsBeforeMail, MEANINGS, type Meaning, type ReplyRule } from "../../../src/schedule/catalogue.ts";
import { CAUSE, STAGES, type Stage } from "../../../src/schedule/outcome.ts";
import { judge, judgeWith } from "../../../src/schedule/verdict.ts";

const said = (stage: Stage, text: string) => {
  const [, code, enhanced] = /^(\d{3})(?:[ -]([245]\.\d+\.\d+))?/.exec(text) ?? [];
  return { stage, reply: { code: Number(code), text, ...(enhanced ? { enhanced } : {}) }, text };
};
const verdict = (stage: Stage, text: string, decide = judge) => {
  const { scope, action, soon } = decide(said(stage, text));
  return `${scope} ${action}${soon ? " soon" : ""}`;
};
const rule = (match: RegExp, means: Meaning, more: Partial<ReplyRule> = {}): ReplyRule => ({
  match,
  means,
  hint: `it means ${means}`,
  from: "config",
  ...more,
});

describe("in the words of mail servers and relay services", () => {
  test.each([
    // the pair
    ["rcpt", "553 5.7.1 <a@b.example>: Sender address rejected: not owned by user x"],
    ["rcpt", "553 5.7.1 <a@b.example>: Sender address rejected: not logged in"],
    ["rcpt", "550 5.1.8 <a@b.example>: Sender address rejected: Domain not found"],
    ["mail", "553 5.1.8 <a@b.example>... Domain of sender address a@b.example does not exist"],
    ["dot", "550 5.7.60 SMTP; Client does not have permissions to send as this sender"],
    ["dot", "554 5.2.252 SendAsDenied; x@b.example not allowed to send as a@b.example; STOREDRV.Submission"],
    ["dot", "550 5.1.8 Access denied, bad outbound sender"],
    ["dot", "554 Message rejected: Email address is not verified. The following identities failed the check"],
    ["dot", "550 The from address does not match a verified Sender Identity. Mail cannot be sent until"],
    ["rcpt", "550 5.7.1 Sender not authorized"],
    ["mail", "550 5.7.367 Sender is not authorised for relay"],
    ["rcpt", "553 Relaying disallowed as a@b.example"],
    ["rcpt", "554 5.1.0 Sender denied"],
    ["rcpt", "550 5.7.1 Unauthorized sender address"],
    ["dot", "551 5.7.1 Not authorised to send from this header address"],
    ["dot", "550 5.7.1 From header is not allowed"],
    ["dot", "553 From: address not verified; see the help pages"],
    ["dot", "550 5.7.26 Unauthenticated email from b.example is not accepted due to domain's DMARC policy"],
    ["rcpt", "550 5.7.23 SPF validation failed"],
    ["mail", "550 5.7.1 <x@b.example> is not a known envelope sender of this account"],
    ["dot", "550 5.7.1 From <x@b.example> is not allowed with envelope sender <a@b.example>"],
  ] as [Stage, string][])("at %s, %s blames the pair", (stage, text) => {
    expect(verdict(stage, text)).toBe("pair defer");
  });

  test.each([
    ["mail", "454 4.7.0 Throttling failure: Maximum sending rate exceeded."],
    ["dot", "454 Throttling failure: Daily message quota exceeded"],
    ["dot", "554 Daily message quota exceeded"],
    ["rcpt", "550 5.4.5 Daily sending quota exceeded"],
    ["dot", "550-5.4.5 Daily user sending limit exceeded. For more / 550 5.4.5 information go to"],
    ["dot", "550 5.4.5 You have exceeded your daily sending limit"],
    ["mail", "550 5.7.1 Hourly send rate exceeded, retry later."],
    ["mail", "554 5.7.1 You have reached a limit for sending email"],
    ["rcpt", "554 5.7.1 Too many recipients in this hour"],
    ["rcpt", "550 too many messages from this account per 60 minutes"],
    ["dot", "554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException"],
    ["mail", "421 4.7.0 Rate limit exceeded"],
    ["mail", "451 4.7.1 the messages of this hour are used up"],
    // the machine's address
    ["rcpt", "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org"],
    ["rcpt", "554 5.7.1 <app01.example[192.0.2.1]>: Client host rejected: Access denied"],
    ["mail", "550 5.7.1 Your IP 192.0.2.1 is not authorized to relay"],
    ["mail", "550 5.7.1 Unauthorized source IP"],
    ["rcpt", "550 5.7.64 TenantAttribution; Relay Access Denied"],
    // the credential
    ["mail", "550 5.7.1 Your account has been suspended for spam"],
    ["mail", "550 Your SMTP credentials have expired"],
    ["rcpt", "550 5.7.1 Authentication required"],
    ["rcpt", "550 5.7.1 <a@b.example>... Relaying denied. Proper authentication required."],
    ["mail", "530 5.7.57 SMTP; Client was not authenticated to send anonymous mail during MAIL FROM"],
    ["auth", "535 5.7.8 Your account is locked"],
  ] as [Stage, string][])("at %s, %s stops the account", (stage, text) => {
    expect(verdict(stage, text)).toBe("account defer");
  });

  test.each([
    ["greeting", "554 5.7.1 Client host [192.0.2.1] blocked", "upstream defer"],
    ["greeting", "421 4.7.0 Too many concurrent connections", "upstream defer"],
    [
      "mail",
      "421 4.3.2 The maximum number of concurrent server connections has exceeded a limit",
      "upstream defer",
    ],
    ["mail", "421 4.7.0 100 messages is the limit of a session", "session defer"],
    ["mail", "421 too many messages in this connection", "session defer"],
    ["rcpt", "452 4.5.3 Error: too many recipients", "recipient defer soon"],
    [
      "rcpt",
      "452 4.5.3 Your message has too many recipients. For more information regarding sending limits, visit",
      "recipient defer soon",
    ],
    ["rcpt", "550 5.5.3 Too many recipients", "recipient defer soon"],
    ["dot", "550 5.5.3 Too many recipients", "message bounce"],
    ["rcpt", "554 5.5.0 Relay access denied", "recipient defer"],
    ["rcpt", "552 5.2.2 The email account that you tried to reach is over quota", "recipient bounce"],
    ["rcpt", "552 Requested mail action aborted: exceeded storage allocation", "recipient bounce"],
    ["rcpt", "452 4.2.2 Mailbox full", "recipient defer"],
    [
      "rcpt",
      "450 4.2.1 The user you are trying to contact is receiving mail at a rate that",
      "recipient defer",
    ],
    ["rcpt", "550 5.2.1 The email account that you tried to reach is disabled", "recipient bounce"],
    ["rcpt", "550 5.7.1 Sender is not authorized to send to this distribution group", "recipient bounce"],
    ["rcpt", "550 5.7.1 RESOLVER.RST.AuthRequired; authentication required", "recipient bounce"],
    ["dot", "550 5.7.1 [10.5.2.2] says no", "message bounce"],
    ["rcpt", "550 5.1.1 <b@c.example>: Recipient address rejected: User unknown", "recipient bounce"],
    ["rcpt", "450 4.1.8 <a@b.example>: Sender address rejected: Domain not found", "recipient defer"],
    ["dot", "550 5.7.1 Message rejected", "message bounce"],
    ["dot", "550 5.7.1 Access denied", "message bounce"],
    ["dot", "554 5.7.1 Message rejected as spam by content filtering", "message bounce"],
    ["dot", "451 4.7.1 Greylisted, may be spam", "message defer"],
    ["dot", "552 5.3.4 Message size exceeds fixed limit", "message bounce"],
    ["dot", "552-5.2.3 Your message exceeded the service's message size limits", "message bounce"],
    ["dot", "550 5.6.0 the head has 2 From fields, not one", "message bounce"],
    ["mail", "550 message too large", "message bounce"],
    ["mail", "452 4.3.4 Message size exceeds what is free now", "message defer"],
  ] as [Stage, string, string][])("at %s, %s means: %s", (stage, text, meaning) => {
    expect(verdict(stage, text)).toBe(meaning);
  });
});

test("why tells what it means to people", () => {
  expect(judge(said("dot", "554 Daily message quota exceeded")).why).toBe(
    "the upstream does not accept the account now, the message is not to blame: " +
      "the account has sent as much as the service allows for now",
  );
  expect(judgeWith([rule(/x7/, "refused")])(said("dot", "451 x7")).why).toBe(
    "the message is refused for good: it means refused",
  );
});

test.each([
  ["try-later", "message defer"],
  ["slow-down", "account defer"],
  ["credential", "account defer"],
  ["busy", "upstream defer"],
  ["sender-not-allowed", "pair defer"],
  ["recipient-refused", "recipient bounce"],
  ["recipient-later", "recipient defer"],
  ["too-many-recipients", "recipient defer soon"],
  ["refused", "message bounce"],
] as [Meaning, string][])("a rule that means %s makes it: %s", (means, meaning) => {
  expect(verdict("rcpt", "550 5.7.1 x7", judgeWith([rule(/X7/i, means)]))).toBe(meaning);
});

test("the meanings above are all there are", () => {
  expect(MEANINGS).toHaveLength(9);
});

describe("which rule decides", () => {
  test("the first one that matches, and the config's before the general ones", () => {
    const decide = judgeWith([rule(/quota/i, "refused"), rule(/quota/i, "busy")]);
    expect(verdict("dot", "554 Daily message quota exceeded", decide)).toBe("message bounce");
    expect(verdict("dot", "554 something else", decide)).toBe("message bounce");
    expect(verdict("mail", "550 5.7.1 Hourly send rate exceeded", decide)).toBe("account defer");
  });

  test("one for other stages is passed over", () => {
    const decide = judgeWith([rule(/x7/, "refused", { stages: ["dot"] }), rule(/x7/, "busy")]);
    expect(verdict("dot", "550 x7", decide)).toBe("message bounce");
    expect(verdict("rcpt", "550 x7", decide)).toBe("upstream defer");
  });

  test("words go before codes, also where a code's meaning is fixed", () => {
    expect(verdict("dot", "503 x7", judgeWith([rule(/x7/, "refused")]))).toBe("message bounce");
    expect(verdict("mail", "552 5.3.4 x7", judgeWith([rule(/x7/, "try-later")]))).toBe("message defer");
  });

  test("the codes can be part of a pattern", () => {
    expect(verdict("rcpt", "550 5.9.9 no", judgeWith([rule(/^550 5\.9\.9/, "slow-down")]))).toBe(
      "account defer",
    );
  });

  test("before MAIL only one that blames the account or the upstream", () => {
    for (const means of MEANINGS) {
      const decide = judgeWith([rule(/./, means)]);
      const before = fitsBeforeMail(means) ? verdict("mail", "550 no", decide) : "upstream defer";
      expect(verdict("greeting", "554 no", decide)).toBe(before);
    }
  });
});

describe("whatever the catalogue says", () => {
  const stage = fc.constantFrom(...STAGES);
  const rules = fc.array(
    fc.record({
      match: fc.constantFrom(/./, /^/, /421/, /no/),
      means: fc.constantFrom(...MEANINGS),
      hint: fc.string(),
      from: fc.constant("config"),
    }),
  );
  /** Those that we find out without asking the upstream. */
  const own: readonly string[] = [CAUSE.eightBit, CAUSE.tooBig, CAUSE.address];

  test("a failure without a reply never bounces, and is judged as without it", () => {
    const causes = fc.oneof(fc.constantFrom<string>(...Object.values(CAUSE)), fc.string());
    const cause = fc.option(
      causes.filter((one) => !own.includes(one)),
      { nil: undefined },
    );
    fc.assert(
      fc.property(stage, cause, rules, (stage, cause, rules) => {
        const failure = { stage, text: "no", ...(cause === undefined ? {} : { cause }) };
        const found = judgeWith(rules)(failure);
        expect(found).toEqual(judge(failure));
        expect(found.action).toBe("defer");
      }),
    );
  });

  test("421 and what is no failure code blame neither a message, nor a recipient, nor a pair", () => {
    const odd = fc.oneof(
      fc.constant(421),
      fc.integer({ min: 0, max: 399 }),
      fc.integer({ min: 600, max: 999 }),
    );
    const enhanced = fc.option(fc.constantFrom("5.3.4", "5.7.1", "5.1.1", "4.5.3"), { nil: undefined });
    const texts = fc.constantFrom(
      "no",
      "spam",
      "message too big",
      "Sender not authorized",
      "too many recipients",
    );
    fc.assert(
      fc.property(stage, odd, enhanced, texts, rules, (stage, code, enhanced, words, rules) => {
        const text = `${code} ${enhanced ?? ""} ${words}`;
        const reply = { code, text, ...(enhanced === undefined ? {} : { enhanced }) };
        const { scope, action } = judgeWith(rules)({ stage, reply, text });
        expect(action).toBe("defer");
        expect(["session", "upstream", "account"]).toContain(scope);
      }),
    );
  });

  test("the general rules never make a bounce of a 4xx", () => {
    const words = [
      "spam",
      "virus",
      "message too big",
      "mailbox full",
      "over quota",
      "5.2.2",
      "content rejected",
    ];
    fc.assert(
      fc.property(
        stage,
        fc.integer({ min: 400, max: 499 }),
        fc.constantFrom(...words),
        (stage, code, text) => {
          expect(verdict(stage, `${code} ${text}`)).toMatch(/ defer/);
        },
      ),
    );
  });
});
