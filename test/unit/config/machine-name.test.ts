import { expect, test } from "vitest";
import { fullName } from "../../../src/config/machine-name.ts";

test("a full name is kept", () => {
  expect(fullName("app01.lab.wisc.edu", "", "search example.com")).toBe("app01.lab.wisc.edu");
});

test("the canonical name in /etc/hosts comes first", () => {
  const hosts = "127.0.0.1 localhost\n127.0.1.1\tapp01.lab.wisc.edu app01 # ours\n";
  expect(fullName("app01", hosts, "search example.com")).toBe("app01.lab.wisc.edu");
});

test("else the domain of resolv.conf is added", () => {
  expect(
    fullName("app01", "127.0.0.1 localhost app01", "nameserver 1.2.3.4\nsearch lab.wisc.edu. wisc.edu\n"),
  ).toBe("app01.lab.wisc.edu");
});

test("without any domain the short name stays", () => {
  expect(fullName("app01", "127.0.0.1 localhost.localdomain app01", "")).toBe("app01");
});
