import { describe, expect, it } from "vitest";
import { decideSender, type SenderPolicy } from "../../../src/policy/senders.ts";
import { address, pair } from "../../golden/relay.ts";

const portal = pair("portal@lab.wisc.edu");
const news = pair("bounces@lab.wisc.edu", "news@lab.wisc.edu");
const alerts = pair("alerts@lab.wisc.edu");
const policy: SenderPolicy = {
  pairs: [
    { pair: portal, account: "portal", rule: "accounts[0].senders[0]" },
    { pair: news, account: "portal", rule: "accounts[0].senders[1]" },
    { pair: alerts, account: "alerts", rule: "accounts[1].senders[0]" },
  ],
  rewrite: [
    { match: "root@*", to: alerts, rule: "senders.rewrite[0]" },
    { match: "*@app01.internal", to: portal, rule: "senders.rewrite[1]" },
    { match: "root@app02.internal", to: news, rule: "senders.rewrite[2]" },
  ],
  unknown: { kind: "reject" },
  keepOriginal: "reply-to",
  nullSender: portal.envelope,
};

function decide(
  envelope: string | null,
  header?: string,
  { user, ...changes }: Partial<SenderPolicy> & { user?: string } = {},
) {
  const ids = {
    envelope: envelope === null ? null : address(envelope),
    header: header ? address(header) : undefined,
    user,
  };
  return decideSender({ ...policy, ...changes }, ids);
}

describe("rule 1: an allowed pair passes", () => {
  it.each([
    ["portal@lab.wisc.edu", "portal@lab.wisc.edu", portal, "portal"],
    ["bounces@lab.wisc.edu", "news@lab.wisc.edu", news, "portal"],
    ["alerts@LAB.wisc.edu", "alerts@lab.WISC.edu", alerts, "alerts"],
  ])("%s with %s", (envelope, header, expected, account) => {
    expect(decide(envelope, header)).toMatchObject({ action: "send", pair: expected, account });
  });

  it("takes the envelope sender for a missing From", () => {
    expect(decide("portal@lab.wisc.edu")).toMatchObject({ action: "send", pair: portal });
  });

  it("comes before any rewrite rule", () => {
    const rewrite = [{ match: "*@lab.wisc.edu", to: alerts, rule: "senders.rewrite[0]" }];
    expect(decide("portal@lab.wisc.edu", "portal@lab.wisc.edu", { rewrite })).toMatchObject({ pair: portal });
  });

  it("compares exactly", () => {
    expect(decide("Portal@lab.wisc.edu").action).toBe("reject");
    expect(decide("portal@lab.wisc.edu.evil.example").action).toBe("reject");
    expect(decide("portal@evillab.wisc.edu").action).toBe("reject");
  });
});

describe("rule 2: rewriting", () => {
  it("takes the first rule that matches From", () => {
    expect(decide("x@y.example", "root@app02.internal")).toMatchObject({
      pair: alerts,
      rule: "senders.rewrite[0]",
    });
  });

  it("prefers a later rule that matches From to an earlier one that matches the envelope", () => {
    const decision = decide("root@db.internal", "www-data@app01.internal");
    expect(decision).toMatchObject({ pair: portal, rule: "senders.rewrite[1]" });
  });

  it("takes a rule that matches the envelope when none matches From", () => {
    expect(decide("www-data@app01.internal", "x@y.example")).toMatchObject({
      pair: portal,
      rule: "senders.rewrite[1]",
    });
  });

  it("replaces only the envelope when From is allowed and only the envelope matched", () => {
    const decision = decide("www-data@app01.internal", "news@lab.wisc.edu");
    expect(decision).toMatchObject({ pair: news, account: "portal", rule: "senders.rewrite[1]" });
  });

  it("rewrites From too when a rule matches it, allowed or not", () => {
    const rewrite = [{ match: "news@lab.wisc.edu", to: alerts, rule: "senders.rewrite[0]" }];
    expect(decide("x@y.example", "news@lab.wisc.edu", { rewrite })).toMatchObject({ pair: alerts });
  });

  it("does not mend an allowed From with a strange envelope unless a rule matches", () => {
    expect(decide("x@y.example", "news@lab.wisc.edu").action).toBe("reject");
  });

  it("never sends as a pair that no account has", () => {
    const rewrite = [{ match: "root@*", to: pair("nobody@lab.wisc.edu"), rule: "senders.rewrite[0]" }];
    expect(decide("root@x.example", undefined, { rewrite })).toMatchObject({
      action: "reject",
      why: expect.stringMatching(/nobody@lab\.wisc\.edu.*senders\.rewrite\[0\].*accounts\[\]\.senders/),
    });
  });
});

describe("a rewrite rule for a user", () => {
  const rewrite = [
    { match: "*@app01.internal", user: "www-data", to: news, rule: "senders.rewrite[0]" },
    { match: "cron@app01.internal", to: alerts, rule: "senders.rewrite[1]" },
    { match: "*@app01.internal", user: "uid:1234", to: portal, rule: "senders.rewrite[2]" },
  ];

  it.each([
    ["www-data", "cron@app01.internal", news],
    ["www-data", "shop@app01.internal", news],
    ["uid:1234", "shop@app01.internal", portal],
    ["root", "cron@app01.internal", alerts],
    [undefined, "cron@app01.internal", alerts],
    ["root", "shop@app01.internal", undefined],
    ["WWW-DATA", "shop@app01.internal", undefined],
    ["", "shop@app01.internal", undefined],
    [undefined, "shop@app01.internal", undefined],
  ])("of user %s with From %s", (user, header, expected) => {
    const given = { rewrite, ...(user === undefined ? {} : { user }) };
    for (const [envelope, from] of [
      ["x@y.example", header],
      [header, "x@y.example"],
      [header, undefined],
    ] as const) {
      expect(decide(envelope, from, given)).toMatchObject(
        expected === undefined
          ? { action: "reject", rule: "senders.unknown" }
          : { action: "send", pair: expected },
      );
    }
  });

  it("says whose mail it was", () => {
    expect(decide("x@y.example", "shop@app01.internal", { rewrite, user: "www-data" })).toMatchObject({
      rule: "senders.rewrite[0]",
      why: "header From shop@app01.internal of user www-data matches *@app01.internal",
    });
  });

  it("does not keep an allowed pair from passing", () => {
    expect(decide("portal@lab.wisc.edu", undefined, { rewrite, user: "www-data" })).toMatchObject({
      pair: portal,
    });
  });
});

describe("rule 3: unknown", () => {
  it("rejects, naming the address and the config key", () => {
    expect(decide("x@y.example", "z@y.example")).toMatchObject({
      action: "reject",
      rule: "senders.unknown",
      why: "Sender address z@y.example is not allowed; add it to accounts[].senders or match it in senders.rewrite",
    });
  });

  it("blames the envelope sender when only that is unknown, and the pair when both halves are known", () => {
    expect(decide("x@y.example", "news@lab.wisc.edu")).toMatchObject({
      why: expect.stringMatching(/^Envelope sender x@y\.example is not allowed/),
    });
    expect(decide("portal@lab.wisc.edu", "news@lab.wisc.edu")).toMatchObject({
      why: expect.stringMatching(
        /^Envelope sender portal@\S+ with header From news@\S+ is not an allowed pair/,
      ),
    });
  });

  it("holds", () => {
    expect(decide("x@y.example", undefined, { unknown: { kind: "hold" } })).toMatchObject({ action: "hold" });
  });

  it("sends as the address given", () => {
    const unknown = { kind: "send-as", pair: alerts } as const;
    expect(decide("x@y.example", undefined, { unknown })).toMatchObject({
      action: "send",
      pair: alerts,
      account: "alerts",
    });
  });
});

describe("MAIL FROM:<>", () => {
  it("goes out with the envelope of notices.from", () => {
    expect(decide(null)).toMatchObject({ action: "send", pair: portal });
    expect(decide(null, "portal@lab.wisc.edu")).toMatchObject({ action: "send", pair: portal });
  });

  it("is subject to the same rules", () => {
    expect(decide(null, "root@app02.internal")).toMatchObject({ pair: alerts });
    expect(decide(null, "x@y.example").action).toBe("reject");
  });

  it("is refused, with the key to set, when notices.from is not there", () => {
    const { nullSender: _, ...without } = policy;
    const decision = decideSender(without, { envelope: null, header: portal.header });
    expect(decision).toMatchObject({ action: "reject", why: expect.stringContaining("notices.from") });
  });
});
