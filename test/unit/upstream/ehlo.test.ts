import { expect, test } from "vitest";
import { readEhlo } from "../../../src/upstream/ehlo.ts";

const ehlo = (...lines: string[]) =>
  readEhlo(lines.map((line, i) => `250${i < lines.length - 1 ? "-" : " "}${line}`).join("\n"));

test("an offer is read whatever its case and order", () => {
  const offer = ehlo(
    "mx greets you",
    "pipelining",
    "AUTH PLAIN login",
    "SIZE 5000000",
    "8bitmime",
    "LIMITS RCPTMAX=20 MAILMAX=7",
  );
  expect(offer).toMatchObject({
    auth: ["PLAIN", "LOGIN"],
    sizeBytes: 5_000_000,
    eightBitMime: true,
    pipelining: true,
    mailMax: 7,
    rcptMax: 20,
  });
  expect(offer.lines[0]).toBe("mx greets you");
});

test("a reply with nothing but a name offers nothing", () => {
  expect(ehlo("mx")).toEqual({ lines: ["mx"], auth: [], eightBitMime: false, pipelining: false });
});

test("keywords in the greeting line or inside other words are not offers", () => {
  const offer = ehlo("mx 8BITMIME PIPELINING AUTH PLAIN", "X-8BITMIME", "XPIPELINING yes");
  expect(offer).toMatchObject({ auth: [], eightBitMime: false, pipelining: false });
});

test("the old AUTH= form and a second AUTH line are read too", () => {
  expect(ehlo("mx", "AUTH=LOGIN", "AUTH PLAIN").auth).toEqual(["LOGIN", "PLAIN"]);
});

test.each(["SIZE", "SIZE 0", "SIZE lots", "SIZE -5", "SIZE 99999999999999999999"])(
  "%s sets no size limit",
  (line) => {
    expect(ehlo("mx", line).sizeBytes).toBeUndefined();
  },
);

test.each(["LIMITS", "LIMITS MAILMAX=0", "LIMITS MAILMAX=x", "LIMITS XMAILMAX=5", "LIMITS RCPTDOMAINMAX=1"])(
  "%s sets no limits",
  (line) => {
    const { mailMax, rcptMax } = ehlo("mx", line);
    expect({ mailMax, rcptMax }).toEqual({});
  },
);

test("escape sequences in a reply are made visible", () => {
  expect(ehlo("mx", "X\x1b[31m").lines[1]).toBe("X\\x1b[31m");
});
