import { expect, it } from "vitest";
import { isDomainPattern, isPattern, matchesDomain, matchesPattern } from "../../../src/policy/pattern.ts";
import { address } from "../../golden/relay.ts";

it.each([
  ["a@b.example", "a@b.example", true],
  ["a@B.Example", "a@b.example", true],
  ["a@b.example", "A@b.example", false],
  ["root@*", "root@anything.example", true],
  ["root@*", "xroot@anything.example", false],
  ["*@app01.internal", "www-data@app01.internal", true],
  ["*@app01.internal", "a@x.app01.internal", false],
  ["*@app01.internal", "a@xapp01.internal", false],
  ["*@*.internal", "a@app01.internal", true],
  ["*@*.internal", "a@internal", false],
  ["*@*", "a@b.example", true],
])("%s against %s is %s", (pattern, text, matches) => {
  expect(isPattern(pattern)).toBe(true);
  expect(matchesPattern(pattern, address(text))).toBe(matches);
});

it.each([
  ["wisc.edu", "wisc.edu", true],
  ["wisc.edu", "lab.wisc.edu", false],
  ["wisc.edu", "evilwisc.edu", false],
  ["*.wisc.edu", "lab.wisc.edu", true],
  ["*.WISC.edu", "a.lab.wisc.edu", true],
  ["*.wisc.edu", "wisc.edu", false],
  ["*.wisc.edu", "evilwisc.edu", false],
  ["*.wisc.edu", "lab.wisc.edu.evil.example", false],
])("domain %s against %s is %s", (pattern, domain, matches) => {
  expect(isDomainPattern(pattern)).toBe(true);
  expect(matchesDomain(pattern, domain)).toBe(matches);
});

it("knows what is no pattern", () => {
  const bad = ["", "root", "@b.example", "a@", "a*@b.example", "a@b*.example", "*", "a b@c.example", "<a@b>"];
  expect(bad.filter(isPattern)).toEqual([]);
  expect(["", "a b", "*.*", "w*.edu", "@wisc.edu"].filter(isDomainPattern)).toEqual([]);
});
