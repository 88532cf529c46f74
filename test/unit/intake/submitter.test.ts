import { expect, test } from "vitest";
import type { End, LoopbackEnds } from "../../../src/intake/loopback.ts";
import { type SubmitterParts, Submitters } from "../../../src/intake/submitter.ts";
import { UserNames } from "../../../src/intake/user-names.ts";

const LISTENING = { address: "127.0.0.1", port: 25, family: "IPv4" };
const connection = (address = "127.0.0.1") => ({
  localAddress: address,
  localPort: 25,
  remoteAddress: address,
  remotePort: 0xc1a2,
});
const LINE = "   0: 0100007F:C1A2 0100007F:0019 01 0:0 0:0 0 34 0 4711 1 0\n";

/** A kernel that can be asked, which knows uid 33, and tables, which know 34. */
function parts(more: Partial<SubmitterParts> = {}) {
  const told: unknown[] = [];
  const opened: End[] = [];
  const asked: LoopbackEnds[] = [];
  const state = { closed: 0, read: 0 };
  const all: SubmitterParts = {
    events: { report: (event, fields, level) => void told.push([level, event, fields]) },
    names: new UserNames("/nonexistent/passwd"),
    async openDiag(listening) {
      opened.push(listening);
      return {
        ownerOf(ends) {
          asked.push(ends);
          return 33;
        },
        [Symbol.dispose]: () => void state.closed++,
      };
    },
    async *tables() {
      state.read++;
      yield Buffer.from(LINE);
    },
    ...more,
  };
  return { all, told, opened, asked, state };
}

test("the kernel is asked while the program connects, and no table is read", async () => {
  const { all, told, opened, asked, state } = parts();
  const submitters = new Submitters(all);
  await submitters.open([{ ...LISTENING, address: "192.0.2.1" }, LISTENING]);
  expect(opened).toEqual([{ address: [127, 0, 0, 1], port: 25 }]);
  const user = submitters.userOf(connection());
  expect(asked).toHaveLength(1);
  expect(await user).toBe("uid:33");
  submitters[Symbol.dispose]();
  expect(state).toEqual({ closed: 1, read: 0 });
  expect(told).toEqual([]);
});

test("where it cannot be asked, that is told once, and the tables are read", async () => {
  const { all, told } = parts({ openDiag: () => Promise.reject(new Error("EAFNOSUPPORT")) });
  using submitters = new Submitters(all);
  await submitters.open([LISTENING]);
  for (let n = 0; n < 2; n++) expect(await submitters.userOf(connection())).toBe("uid:34");
  const reason = expect.stringMatching(/in \/proc\/net\/tcp, which slows connections down: EAFNOSUPPORT$/);
  expect(told).toEqual([["warn", "trouble", { part: "submitter", reason }]]);
});

test("who connects before it is known whether the kernel can be asked waits for that", async () => {
  let ready: () => void = () => {};
  const gate = new Promise<void>((resolve) => {
    ready = resolve;
  });
  const { all, state } = parts();
  using submitters = new Submitters({
    ...all,
    openDiag: async (listening) => {
      await gate;
      return await (all.openDiag as NonNullable<typeof all.openDiag>)(listening);
    },
  });
  const opening = submitters.open([LISTENING]);
  const user = submitters.userOf(connection());
  ready();
  expect(await user).toBe("uid:33");
  await opening;
  expect(state.read).toBe(0);
});

test("an end while it is being opened leaves nothing open, and tells nothing", async () => {
  const { all, told, state } = parts();
  const submitters = new Submitters(all);
  const opening = submitters.open([LISTENING]);
  submitters[Symbol.dispose]();
  await opening;
  expect(state.closed).toBe(1);
  expect(told).toEqual([]);
});

test("nobody is asked about who is not on the loopback, or gone already", async () => {
  const { all, opened, asked, state } = parts();
  using submitters = new Submitters(all);
  await submitters.open([{ ...LISTENING, address: "192.0.2.1" }]);
  expect(opened).toEqual([]);
  await submitters.open([LISTENING]);
  expect(await submitters.userOf(connection("192.0.2.1"))).toBeUndefined();
  expect(await submitters.userOf({ localAddress: "127.0.0.1", localPort: 25 })).toBeUndefined();
  expect([asked, state.read]).toEqual([[], 0]);
});
