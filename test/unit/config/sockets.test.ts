import { existsSync, mkdirSync, rmSync, statSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { controlSocketPath, handedOverSockets, socketPath } from "../../../src/config/sockets.ts";
import { folderWith } from "./folder.ts";

const longStateDir = (mark: string) => join("/srv", mark.repeat(100));

test("a socket stands in the state folder when the path is short enough", () => {
  expect(socketPath("/var/lib/sluice", "redis.sock")).toBe("/var/lib/sluice/redis.sock");
});

test("else it stands in a private folder, the same one every time", () => {
  const path = socketPath(longStateDir("a"), "redis.sock");
  const folder = dirname(path);
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  expect(Buffer.byteLength(path)).toBeLessThan(100);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(socketPath(longStateDir("a"), "redis.sock")).toBe(path);
  expect(dirname(socketPath(longStateDir("a"), "control.sock"))).toBe(folder);
});

test("a private folder that others could use, or that is a link, is refused", () => {
  const folder = dirname(socketPath(longStateDir("b"), "redis.sock"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  rmSync(folder, { recursive: true });
  mkdirSync(folder, { mode: 0o755 });
  expect(() => socketPath(longStateDir("b"), "redis.sock")).toThrow("not a folder of ours with mode 0700");
  rmSync(folder, { recursive: true });
  symlinkSync(folderWith({}), folder);
  expect(() => socketPath(longStateDir("b"), "redis.sock")).toThrow("not a folder of ours with mode 0700");
});

test("the control socket is systemd's runtime folder where that is ours, else in the state folder", () => {
  expect(controlSocketPath("/srv/sluice", { RUNTIME_DIRECTORY: "/run/sluice" })).toBe(
    "/run/sluice/control.sock",
  );
  expect(controlSocketPath("/srv/sluice", { RUNTIME_DIRECTORY: "/run/other" })).toBe(
    "/srv/sluice/control.sock",
  );
  const usual = existsSync("/run/sluice") ? "/run/sluice/control.sock" : "/var/lib/sluice/control.sock";
  expect(controlSocketPath("/var/lib/sluice", {})).toBe(usual);
});

test("sockets that systemd hands to this process are taken, those of another are not", () => {
  expect(handedOverSockets({ LISTEN_PID: "42", LISTEN_FDS: "2" }, 42)).toEqual([{ fd: 3 }, { fd: 4 }]);
  expect(handedOverSockets({ LISTEN_PID: "41", LISTEN_FDS: "2" }, 42)).toEqual([]);
  expect(handedOverSockets({}, 42)).toEqual([]);
  expect(handedOverSockets({ LISTEN_PID: "42", LISTEN_FDS: "many" }, 42)).toEqual([]);
});
