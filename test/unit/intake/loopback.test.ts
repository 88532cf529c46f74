import { describe, expect, test } from "vitest";
import { listeningEnd, loopbackEnds } from "../../../src/intake/loopback.ts";

const ends = (remoteAddress: string, localAddress: string) =>
  loopbackEnds({ remoteAddress, remotePort: 49570, localAddress, localPort: 25 });
const SIX = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

describe("the ends of a connection over the loopback", () => {
  test("are bytes and ports, of IPv4 and IPv6", () => {
    expect(ends("127.0.0.1", "127.0.0.2")).toEqual({
      client: { address: [127, 0, 0, 1], port: 49570 },
      ours: { address: [127, 0, 0, 2], port: 25 },
    });
    expect(ends("::1", "::1")?.client).toEqual({ address: SIX, port: 49570 });
  });

  test("a listener for both families gives a v4-mapped address, which means the same", () => {
    expect(ends("::ffff:127.0.0.1", "::FFFF:127.0.0.2")).toEqual(ends("127.0.0.1", "127.0.0.2"));
  });

  test.each([
    ["192.0.2.1", "192.0.2.2"],
    ["127.0.0.1", "192.0.2.2"],
    ["2001:db8::1", "::1"],
    ["::1", "127.0.0.1"],
    ["128.0.0.1", "127.0.0.1"],
  ])("are none of a client that is not on it: %s to %s", (client, ours) => {
    expect(ends(client, ours)).toBeUndefined();
  });

  test("are none of a client that is gone already", () => {
    expect(loopbackEnds({ localAddress: "127.0.0.1", localPort: 25 })).toBeUndefined();
    expect(loopbackEnds({})).toBeUndefined();
  });
});

test.each([
  ["127.0.0.1", [127, 0, 0, 1]],
  ["::1", SIX],
  ["0.0.0.0", [0, 0, 0, 0]],
  ["::", Array(16).fill(0)],
])("a listener on %s can be reached over the loopback", (address, bytes) => {
  expect(listeningEnd({ address, port: 25 })).toEqual({ address: bytes, port: 25 });
});

test("a listener on an address of the network cannot", () => {
  for (const address of ["192.0.2.1", "2001:db8::1"])
    expect(listeningEnd({ address, port: 25 })).toBeUndefined();
});
