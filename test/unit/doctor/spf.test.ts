import { describe, expect, test } from "vitest";
import type { Txt } from "../../../src/doctor/ports.ts";
import { readSpf } from "../../../src/doctor/spf.ts";
import { spfFinding } from "../../../src/doctor/spf-lines.ts";

const WANTED = "_spf.service.example";
const SERVICE = { [WANTED]: ["v=spf1 ip4:192.0.2.0/24 -all"] };

/** Reads lab.example in a DNS of these TXT records. */
function read(zone: Readonly<Record<string, readonly string[] | Txt>>, wanted: string | undefined = WANTED) {
  return readSpf("lab.example", wanted, async (name) => {
    const found = { ...SERVICE, ...zone }[name.toLowerCase()];
    if (found === undefined) return { kind: "none" };
    return Array.isArray(found) ? { kind: "records", records: found } : (found as Txt);
  });
}

describe("a record that includes the service's", () => {
  test.each([
    ["at once", { "lab.example": ["v=spf1 include:_spf.service.example ~all"] }, 1],
    ["in other letters", { "lab.example": ["V=SPF1 INCLUDE:_SPF.Service.example. -all"] }, 1],
    [
      "through another include",
      {
        "lab.example": ["v=spf1 mx include:mail.example -all"],
        "mail.example": [`v=spf1 a include:${WANTED} ?all`],
      },
      4,
    ],
    [
      "through a redirect",
      { "lab.example": ["v=spf1 redirect=mail.example"], "mail.example": [`v=spf1 +include:${WANTED}`] },
      2,
    ],
    [
      "beside what is no SPF",
      { "lab.example": ["google-site=x", "v=spf10 -all", `v=spf1 include:${WANTED} -all`] },
      1,
    ],
    ["beside a modifier that nobody knows", { "lab.example": [`v=spf1 x-new=1 include:${WANTED} -all`] }, 1],
    ["with exactly ten lookups", { "lab.example": [`v=spf1 ${"a ".repeat(9)}include:${WANTED} -all`] }, 10],
  ])("%s", async (_, zone, lookups) => {
    expect(await read(zone)).toEqual({ kind: "included", lookups });
  });
});

describe("a record that does not let the service send", () => {
  test.each([
    ["it names others only", ["v=spf1 mx -all"]],
    ["the include comes after all", [`v=spf1 -all include:${WANTED}`]],
    ["the redirect comes with an all", [`v=spf1 ~all redirect=${WANTED}`]],
    ["the include is turned round", [`v=spf1 -include:${WANTED} ~all`]],
  ])("%s", async (_, records) => {
    expect(await read({ "lab.example": records })).toMatchObject({
      kind: "not included",
      record: records[0],
    });
  });

  test("it is included by a record that is itself turned round", async () => {
    const zone = {
      "lab.example": ["v=spf1 ?include:mail.example"],
      "mail.example": [`v=spf1 include:${WANTED}`],
    };
    expect(await read(zone)).toMatchObject({ kind: "not included" });
  });
});

describe("a record that is an error to every receiver", () => {
  test.each([
    [
      "there are two",
      { "lab.example": ["v=spf1 -all", `v=spf1 include:${WANTED}`] },
      { kind: "several", count: 2 },
    ],
    ["there is none", { "lab.example": ["something else"] }, { kind: "none" }],
    [
      "it has a word that means nothing",
      { "lab.example": ["v=spf1 includes:x -all"] },
      "cannot be read at includes:x",
    ],
    ["an include names nobody", { "lab.example": ["v=spf1 include: -all"] }, "cannot be read at include:"],
    [
      "what it includes has none",
      { "lab.example": ["v=spf1 include:gone.example -all"] },
      "include:gone.example has no SPF record",
    ],
    [
      "what it redirects to has none",
      { "lab.example": ["v=spf1 redirect=gone.example"] },
      "redirect=gone.example has no SPF record",
    ],
    [
      "what it includes has two",
      { "lab.example": ["v=spf1 include:two.example"], "two.example": ["v=spf1", "v=spf1 -all"] },
      "include:two.example has 2 SPF records",
    ],
    [
      "it includes itself",
      { "lab.example": ["v=spf1 include:lab.example -all"] },
      "more than 10 DNS lookups",
    ],
    [
      "two include each other",
      { "lab.example": ["v=spf1 include:b.example"], "b.example": ["v=spf1 include:lab.example"] },
      "more than 10 DNS lookups",
    ],
    [
      "it needs eleven lookups",
      { "lab.example": [`v=spf1 ${"mx ".repeat(10)}include:${WANTED}`] },
      "more than 10 DNS lookups",
    ],
  ])("%s", async (_, zone, said) => {
    const spf = await read(zone);
    if (typeof said === "string") expect(spf).toEqual({ kind: "broken", why: expect.stringContaining(said) });
    else expect(spf).toEqual(said);
  });
});

test("DNS that does not answer is no missing record", async () => {
  const zone = {
    "lab.example": ["v=spf1 include:mail.example"],
    "mail.example": { kind: "unknown", why: "ETIMEOUT" } as const,
  };
  expect(await read(zone)).toEqual({ kind: "unknown", why: "mail.example: ETIMEOUT" });
  expect(spfFinding("lab.example", WANTED, await read(zone))).toMatchObject({ status: "unknown" });
});

test("the remedy is the text to add to the record", () => {
  const missing = spfFinding("lab.example", WANTED, { kind: "none" });
  expect(missing).toMatchObject({
    status: "failed",
    remedy: 'ask whoever runs DNS of lab.example for a TXT record "v=spf1 include:_spf.service.example ~all"',
  });
  const record = { kind: "not included", record: "v=spf1 -all", lookups: 0 } as const;
  expect(spfFinding("lab.example", WANTED, record)).toMatchObject({
    status: "failed",
    remedy: expect.stringContaining("to add include:_spf.service.example to its SPF record"),
  });
});

test("where it is not known what the service asks for, a valid record is not called right", async () => {
  const zone = { "lab.example": ["v=spf1 mx -all"] };
  const spf = await readSpf("lab.example", undefined, async (name) => ({
    kind: "records",
    records: zone[name as "lab.example"],
  }));
  expect(spfFinding("lab.example", undefined, spf)).toMatchObject({ status: "unknown" });
});
