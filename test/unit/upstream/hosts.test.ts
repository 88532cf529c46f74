import { expect, test } from "vitest";
import { HostOrder } from "../../../src/upstream/hosts.ts";

function make() {
  const clock = { ms: 0 };
  return { clock, hosts: new HostOrder(["a", "b", "c"], () => clock.ms, 1000) };
}

test("hosts are tried in the order of the config", () => {
  expect(make().hosts.inOrder()).toEqual(["a", "b", "c"]);
});

test("those that failed come last, the newest failure at the very end", () => {
  const { hosts, clock } = make();
  hosts.failed("a");
  clock.ms = 10;
  hosts.failed("b");
  expect(hosts.inOrder()).toEqual(["c", "a", "b"]);
});

test("a host gets its place back when it works, or when its failure is old", () => {
  const { hosts, clock } = make();
  hosts.failed("a");
  hosts.failed("b");
  hosts.worked("b");
  expect(hosts.inOrder()).toEqual(["b", "c", "a"]);
  clock.ms = 1000;
  expect(hosts.inOrder()).toEqual(["a", "b", "c"]);
});
