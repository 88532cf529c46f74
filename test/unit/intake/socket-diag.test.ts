import { endianness } from "node:os";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { End, LoopbackEnds } from "../../../src/intake/loopback.ts";
import type { Netlink } from "../../../src/intake/netlink.ts";
import {
  QUESTION_BYTES,
  type Question,
  readAnswer,
  SocketDiag,
  writeQuestion,
} from "../../../src/intake/socket-diag.ts";

const LITTLE = endianness() === "LE";
const V4 = [127, 0, 0, 1];
const client: End = { address: V4, port: 0xc1a2 };
const ours: End = { address: [127, 0, 0, 2], port: 25 };
const ends: LoopbackEnds = { client, ours };
const asked: Question = { sequence: 7, local: client, peer: ours };
const LISTENING: End = { address: V4, port: 25 };

interface Told {
  readonly sequence?: number;
  readonly type?: number;
  readonly sizeBytes?: number;
  readonly ports?: readonly [number, number];
  readonly uid?: number;
  readonly inode?: number;
}

/** What the kernel says of a socket; 124 bytes, with an attribute behind that nobody asked for. */
function answer(told: Told = {}): Buffer {
  const { sequence = 7, type = 20, sizeBytes = 124, ports = [0xc1a2, 25], uid = 33, inode = 4711 } = told;
  const bytes = Buffer.alloc(124);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  view.setUint32(0, sizeBytes, LITTLE);
  view.setUint16(4, type, LITTLE);
  view.setUint32(8, sequence, LITTLE);
  view.setUint16(20, ports[0]);
  view.setUint16(22, ports[1]);
  view.setUint32(80, uid, LITTLE);
  view.setUint32(84, inode, LITTLE);
  return bytes;
}

test.runIf(LITTLE)("a question is what the kernel's headers say", () => {
  const question = Buffer.alloc(QUESTION_BYTES, 0xee);
  writeQuestion(question, asked);
  expect(question.toString("hex").match(/.{1,32}/g)).toEqual([
    "48000000140001000700000000000000",
    "02060000ffffffffc1a200197f000001",
    "0000000000000000000000007f000002",
    "00000000000000000000000000000000",
    "ffffffffffffffff",
  ]);
  const six = [...Array(15).fill(0), 1];
  writeQuestion(question, { ...asked, local: { address: six, port: 1 }, peer: { address: six, port: 2 } });
  expect(question.toString("hex", 16, 64).match(/.{1,32}/g)).toEqual([
    "0a060000ffffffff0001000200000000",
    "00000000000000000000000100000000",
    "00000000000000000000000100000000",
  ]);
});

describe("an answer", () => {
  test("tells the owner", () => {
    expect(readAnswer(answer(), asked)).toBe(33);
    expect(readAnswer(answer({ uid: 0 }), asked)).toBe(0);
  });

  test.each<[string, Told]>([
    ["a socket that its program has closed", { uid: 0, inode: 0 }],
    ["an error", { type: 2 }],
    ["a listener on the client's port", { ports: [0xc1a2, 0] }],
    ["another client", { ports: [0xc1a3, 25] }],
    ["a size below what it must have", { sizeBytes: 87 }],
    ["a size above what came", { sizeBytes: 125 }],
    ["a size beyond measure", { sizeBytes: 0xffff_ffff }],
  ])("of %s tells nothing", (_what, told) => {
    expect(readAnswer(answer(told), asked)).toBeUndefined();
  });

  test("to another question is passed over, as is what has no head", () => {
    expect(readAnswer(answer({ sequence: 6 }), asked)).toBe("stale");
    expect(readAnswer(answer().subarray(0, 15), asked)).toBe("stale");
  });

  test("that is cut tells nothing, wherever it is cut", () => {
    for (let size = 16; size < 124; size++)
      expect(readAnswer(answer().subarray(0, size), asked)).toBeUndefined();
  });

  test("of any bytes at all is survived", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(["number", "string", "undefined"]).toContain(typeof readAnswer(Buffer.from(bytes), asked));
      }),
    );
  });
});

/** A kernel that says what a test puts there, to the question with the number of that place. */
function kernel(script: readonly ((sequence: number) => readonly Buffer[])[], takes = () => true) {
  const waiting: Buffer[] = [];
  const state = { asked: 0, closed: 0, left: () => waiting.length };
  const netlink: Netlink = {
    send(message) {
      if (!takes()) return false;
      const view = new DataView(message.buffer, message.byteOffset);
      waiting.push(...(script[state.asked++]?.(view.getUint32(8, LITTLE)) ?? []));
      return true;
    },
    receive(into) {
      const next = waiting.shift();
      if (next === undefined) return 0;
      into.set(next.subarray(0, into.length));
      return Math.min(next.length, into.length);
    },
    [Symbol.dispose]: () => void state.closed++,
  };
  return { state, open: () => SocketDiag.open(LISTENING, async () => netlink) };
}

const ofOurs = (sequence: number) => [answer({ sequence, ports: [25, 0], uid: 0 })];

describe("asking", () => {
  test("begins with our own listening socket, and fails when the kernel does not know that", async () => {
    const ready = kernel([ofOurs]);
    using _diag = await ready.open();
    expect(ready.state).toMatchObject({ asked: 1, closed: 0 });
    const blind = kernel([(sequence) => [answer({ sequence, type: 2 })]]);
    await expect(blind.open()).rejects.toThrow("does not know a socket of our own");
    expect(blind.state.closed).toBe(1);
  });

  test("passes over what is left of earlier answers", async () => {
    const { state, open } = kernel([
      ofOurs,
      () => [],
      (sequence) => [answer({ sequence: sequence - 1, uid: 1 }), answer({ sequence, uid: 2 })],
    ]);
    using diag = await open();
    expect(diag.ownerOf(ends)).toBeUndefined();
    expect(diag.ownerOf(ends)).toBe(2);
    expect(state.left()).toBe(0);
  });

  test("never goes on for ever: a flood of strange answers is an unknown user", async () => {
    const { state, open } = kernel([
      ofOurs,
      (sequence) => [...Array.from({ length: 20 }, () => answer({ sequence: 99 })), answer({ sequence })],
      (sequence) => [answer({ sequence })],
      (sequence) => [answer({ sequence })],
    ]);
    using diag = await open();
    expect([1, 2, 3].map(() => diag.ownerOf(ends))).toEqual([undefined, undefined, 33]);
    expect(state.left()).toBe(0);
  });

  test("what the kernel does not take has no answer", async () => {
    let takes = true;
    const { state, open } = kernel([ofOurs, (sequence) => [answer({ sequence })]], () => takes);
    using diag = await open();
    takes = false;
    expect(diag.ownerOf(ends)).toBeUndefined();
    takes = true;
    expect(diag.ownerOf(ends)).toBe(33);
    expect(state.asked).toBe(2);
  });
});
