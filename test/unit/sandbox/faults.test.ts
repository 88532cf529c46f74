/** The grammar of --fail, and which rule fires when. */
import { describe, expect, test } from "vitest";
import { type FailRule, Faults, parseFailRule } from "../../../src/sandbox/faults.ts";

function rule(text: string): FailRule {
  const parsed = parseFailRule(text);
  if (!parsed.ok) throw new Error(parsed.problem);
  return parsed.rule;
}

describe("a fail rule", () => {
  test.each([
    ["rcpt:bob@example.org=550 5.1.1 no such user", { kind: "reply", code: 550, text: "5.1.1 no such user" }],
    ["mail=451 4.7.1 greylisted", { kind: "reply", code: 451, text: "4.7.1 greylisted" }],
    ["data#3=421 4.3.2 going down", { kind: "reply", code: 421, text: "4.3.2 going down" }],
    ["dot%10=451 4.3.0 later", { kind: "reply", code: 451, text: "4.3.0 later" }],
    ["connect=drop", { kind: "drop" }],
    ["greeting=hang", { kind: "hang" }],
    ["starttls=strip", { kind: "strip" }],
    ["dot:*@example.org=delay 500ms", { kind: "delay", delayMs: 500 }],
    ["dot=delay 9m", { kind: "delay", delayMs: 540_000 }],
  ])("%s is understood", (text, action) => {
    expect(rule(text).action).toEqual(action);
  });

  test.each([
    ["dot", "must look like"],
    ["dots=drop", "no stage dots"],
    ["constructor=drop", "no stage constructor"],
    ["ehlo:a@b.example=drop", "takes no address"],
    ["rcpt:bob=drop", "not an address"],
    ["rcpt:a*@b.example=drop", "not an address"],
    ["mail#0=drop", "counted from 1"],
    ["mail%0=drop", "counted from 1"],
    ["mail#3-2=drop", "backwards"],
    ["mail#1%2=drop", "must look like"],
    ["mail=strip", "mail allows reply, drop, hang, delay, not strip"],
    ["body=451 4.3.0 no", "body allows drop, hang"],
    ["dot=250 2.0.0 fine", "none of"],
    ["dot=451", "none of"],
    ["dot=451 line\r\n250 two", "must look like"],
    ["dot=451 tab\there", "none of"],
    ["dot=delay 16m", "at most 15m"],
    ["dot=delay", "none of"],
    [" dot=drop", "must look like"],
  ])("%j is refused with the reason", (text, reason) => {
    expect(parseFailRule(text)).toMatchObject({ ok: false, problem: expect.stringContaining(reason) });
  });
});

describe("rules in force", () => {
  const fired = (faults: Faults, times: number) =>
    Array.from({ length: times }, () => faults.next("mail")?.kind === "drop");

  test("without times, a rule fires every time", () => {
    expect(fired(new Faults([rule("mail=drop")]), 3)).toEqual([true, true, true]);
  });

  test("#N fires once, #N-M in between, %N every Nth time", () => {
    expect(fired(new Faults([rule("mail#2=drop")]), 4)).toEqual([false, true, false, false]);
    expect(fired(new Faults([rule("mail#1-2=drop")]), 4)).toEqual([true, true, false, false]);
    expect(fired(new Faults([rule("mail%2=drop")]), 4)).toEqual([false, true, false, true]);
  });

  test("an address is matched in either case, whole, or by its domain or local part", () => {
    const hits = (text: string, ...addresses: string[]) =>
      new Faults([rule(text)]).next("dot", addresses) !== undefined;
    expect(hits("dot:bob@example.org=drop", "x@example.org", "Bob@Example.ORG")).toBe(true);
    expect(hits("dot:*@example.org=drop", "x@example.org")).toBe(true);
    expect(hits("dot:bob@*=drop", "bob@anywhere.example")).toBe(true);
    expect(hits("dot:*@example.org=drop", "x@sub.example.org", "x@notexample.org")).toBe(false);
    expect(hits("dot:bob@example.org=drop", "notbob@example.org")).toBe(false);
  });

  test("times are counted only where the address matches", () => {
    const faults = new Faults([rule("rcpt:bob@example.org#2=drop")]);
    const seen = ["bob", "eve", "bob", "bob"].map(
      (local) => faults.next("rcpt", [`${local}@example.org`])?.kind,
    );
    expect(seen).toEqual([undefined, undefined, "drop", undefined]);
  });

  test("the first of two rules decides, and the second counts on", () => {
    const faults = new Faults([rule("mail#1=451 4.0.0 first"), rule("mail#1-2=drop")]);
    expect([faults.next("mail")?.kind, faults.next("mail")?.kind]).toEqual(["reply", "drop"]);
  });

  test("strip only concerns the offer, and a reply only the command", () => {
    const faults = new Faults([rule("starttls#1=strip"), rule("starttls#1=454 4.7.0 no")]);
    expect(faults.strips("auth")).toBe(false);
    expect(faults.strips("starttls")).toBe(true);
    expect(faults.strips("starttls")).toBe(false);
    expect(faults.next("starttls")?.kind).toBe("reply");
  });

  test("other rules begin counting anew", () => {
    const faults = new Faults([rule("mail#1=drop")]);
    expect(fired(faults, 2)).toEqual([true, false]);
    faults.set([rule("mail#1=drop")]);
    expect(fired(faults, 2)).toEqual([true, false]);
  });

  test("more than 1000 rules are refused", () => {
    expect(() => new Faults(Array.from({ length: 1001 }, () => rule("mail=drop")))).toThrow("at most 1000");
  });
});
