/** Where the simulator's page may be asked to be. */
import { expect, test } from "vitest";
import { parseHttpAddress } from "../../../src/cli/arrived-page.ts";

test("an address is a host and a port, IPv6 in brackets", () => {
  expect(parseHttpAddress("127.0.0.1:8026")).toEqual({ host: "127.0.0.1", port: 8026 });
  expect(parseHttpAddress("[::1]:0")).toEqual({ host: "::1", port: 0 });
  for (const bad of ["8026", "127.0.0.1", "::1:80", "127.0.0.1:70000", "a b:1", ":80", ""])
    expect(parseHttpAddress(bad)).toBeUndefined();
});
