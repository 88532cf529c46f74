import { expect, test } from "vitest";
import { doctorText } from "../../../src/cli/doctor.ts";
import { about, inOrder, isHealthy } from "../../../src/doctor/finding.ts";

const findings = [
  about("spf", "lab.example").unknown("DNS did not tell: ETIMEOUT", "try again"),
  about("config", "/etc/sluice/sluice.yaml").ok("valid"),
  about("auth", "portal").failed("535 5.7.8 no\u001b[2J\r\nok  auth  portal: fine", "compare the password"),
];

test("a line for each finding, in the order of the questions, its remedy in the same line, and the counts", () => {
  expect(doctorText(inOrder(findings)).split("\n")).toEqual([
    "ok       config  /etc/sluice/sluice.yaml: valid",
    expect.stringMatching(/^FAILED {3}auth {4}portal: 535 5\.7\.8 no.*; compare the password$/),
    "unknown  spf     lab.example: DNS did not tell: ETIMEOUT; try again",
    "-- 1 failed, 0 warn, 1 unknown, 1 ok",
  ]);
});

test("no byte of an upstream reaches the terminal as it came", () => {
  expect(doctorText(findings)).not.toContain("\u001b");
});

test("what cannot be told and what is unwise are no failure", () => {
  expect(isHealthy(findings)).toBe(false);
  expect(isHealthy(findings.filter(({ status }) => status !== "failed"))).toBe(true);
  expect(isHealthy([about("clock", "now").warn("late", "mend it")])).toBe(true);
});
