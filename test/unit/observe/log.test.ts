/** The log on a disk that is full for a while: what it cannot take is dropped and counted, and no line spoils another. */
import { beforeEach, expect, test, vi } from "vitest";
import { createLog } from "../../../src/observe/log.ts";

/** Standard output: it takes `room` bytes, then it is full; `busy` calls are told to try again. */
const disk = vi.hoisted(() => ({ text: "", room: Number.POSITIVE_INFINITY, busy: 0 }));

vi.mock("node:fs", async (original) => ({
  ...(await original<typeof import("node:fs")>()),
  writeSync(_fd: number, bytes: Buffer, from: number): number {
    if (disk.busy-- > 0) throw Object.assign(new Error("EAGAIN"), { code: "EAGAIN" });
    const taken = bytes.subarray(from, from + disk.room);
    if (taken.length === 0) throw Object.assign(new Error("ENOSPC"), { code: "ENOSPC" });
    disk.text += taken.toString();
    disk.room -= taken.length;
    return taken.length;
  },
}));

beforeEach(() => void Object.assign(disk, { text: "", room: Number.POSITIVE_INFINITY, busy: 0 }));

/** Each line's number, what it says is missing, or `torn`. */
function said(): (number | string)[] {
  expect(disk.text.endsWith("\n")).toBe(true);
  return disk.text
    .slice(0, -1)
    .split("\n")
    .map((line) => {
      try {
        const { n, part, dropped } = JSON.parse(line);
        return part === "log" ? `${dropped} dropped` : n;
      } catch {
        return "torn";
      }
    });
}

/** Logs `count` lines, numbered from `first`; the disk has room for `room` bytes of them. */
function log(first: number, count: number, room = Number.POSITIVE_INFINITY): void {
  disk.room = room;
  for (let n = first; n < first + count; n++) logger.info({ n });
}

let logger = createLog({ level: "info" });
beforeEach(() => {
  logger = createLog({ level: "info" });
});

test("lines that a full disk does not take are dropped, and how many is said once there is room", () => {
  log(1, 2);
  log(3, 5, 0);
  log(8, 2);
  expect(said()).toEqual([1, 2, "5 dropped", 8, 9]);
});

test("a line that fits only in part counts as dropped, and the next one begins on a line of its own", () => {
  log(1, 2, 100); // two lines are longer than that
  log(3, 1, 0);
  log(4, 2);
  expect(said()).toEqual([1, "torn", "2 dropped", 4, 5]);
});

test("what was said to be missing is not counted again when the line behind it is cut off", () => {
  log(1, 2, 0);
  log(3, 1, 120); // all of how many are missing, and a part of the third
  log(4, 1);
  expect(said()).toEqual(["2 dropped", "torn", "1 dropped", 4]);
});

test("a pipe that is full for a moment loses no line", () => {
  disk.busy = 3;
  log(1, 2);
  expect(said()).toEqual([1, 2]);
});
