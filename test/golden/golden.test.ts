import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { SenderPolicy } from "../../src/policy/senders.ts";
import { address, pair, relay } from "./relay.ts";

// One folder a case: case.json (what it shows, envelope sender), in.eml as the client sends it (dots unstuffed),
// and out.eml as the upstream must get it, or refused.txt with the sentence of the refusal.
const folder = join(import.meta.dirname, "cases");

const portal = pair("portal@lab.wisc.edu");
const news = pair("bounces@lab.wisc.edu", "news@lab.wisc.edu");
const policy: SenderPolicy = {
  pairs: [
    { pair: portal, account: "portal", rule: "accounts[0].senders[0]" },
    { pair: news, account: "portal", rule: "accounts[0].senders[1]" },
  ],
  rewrite: [
    { match: "root@*", to: portal, rule: "senders.rewrite[0]" },
    { match: "*@app01.internal", to: portal, rule: "senders.rewrite[1]" },
  ],
  unknown: { kind: "reject" },
  keepOriginal: "reply-to",
  nullSender: portal.envelope,
};

interface Case {
  readonly shows: string;
  readonly envelope: string | null;
  readonly keepOriginal?: SenderPolicy["keepOriginal"];
}

describe.each(readdirSync(folder))("golden case %s", (name) => {
  const read = (file: string) => readFileSync(join(folder, name, file));
  const {
    shows,
    envelope,
    keepOriginal = policy.keepOriginal,
  } = JSON.parse(read("case.json").toString()) as Case;
  const whole = read("in.eml");
  const cuts = { whole: [whole], "byte by byte": Array.from(whole, (byte) => Buffer.of(byte)) };

  it.each(Object.entries(cuts))(`${shows}, %s`, (_, chunks) => {
    const result = relay(chunks, envelope === null ? null : address(envelope), { ...policy, keepOriginal });
    switch (result.kind) {
      case "sent":
        return expect(result.bytes.toString("latin1")).toBe(read("out.eml").toString("latin1"));
      case "malformed":
        return expect(`${result.problem}\n`).toBe(read("refused.txt").toString());
      case "not-allowed":
        return expect(`${result.why}\n`).toBe(read("refused.txt").toString());
    }
  });
});
