import { execFileSync } from "node:child_process";
import { chownSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { format, inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { makeSecret, readSecretFile } from "../../../src/config/secrets.ts";
import { folderWith } from "./folder.ts";

const uid = process.getuid?.() ?? 0;

test("a secret shows itself only when asked to", () => {
  const secret = makeSecret("hunter2");
  const shown = [
    `${secret}`,
    JSON.stringify({ secret }),
    inspect(secret, { showHidden: true, depth: 9 }),
    inspect(secret, { customInspect: false, showHidden: true, depth: 9 }),
    format("%o %O %s %j", secret, secret, secret, secret),
    String(Object.entries(secret)),
  ];
  expect(shown.join()).not.toContain("hunter2");
  expect(shown.slice(0, 3)).toEqual(["****", '{"secret":"****"}', "****"]);
  expect(secret.reveal()).toBe("hunter2");
});

describe("a password file", () => {
  function read(content: string | Buffer, mode = 0o600, as = uid) {
    const folder = folderWith({ password: content }, { password: mode });
    const reading = readSecretFile(join(folder, "password"), { uid: as });
    return reading.ok
      ? reading.secret.reveal()
      : `${reading.message}; ${reading.remedy}`.replaceAll(`${folder}/`, "");
  }

  test.each([
    ["with a trailing newline", "hunter2\n"],
    ["without one", "hunter2"],
    ["with a Windows line end", "hunter2\r\n"],
  ])("%s gives the text", (_, content) => {
    expect(read(content)).toBe("hunter2");
  });

  test("keeps spaces and letters of any language", () => {
    expect(read(" pässword with spaces \n")).toBe(" pässword with spaces ");
  });

  test("may be read-only", () => {
    expect(read("hunter2", 0o400)).toBe("hunter2");
  });

  test.each([0o640, 0o604, 0o644, 0o660, 0o610])("with mode %o is refused and told to chmod 600", (mode) => {
    expect(read("hunter2", mode)).toMatch(
      /can be read or changed by others \(mode 0\d+\); run: chmod 600 password/,
    );
  });

  test.each([
    ["that is empty", "", "is empty"],
    ["of a newline only", "\n", "is empty"],
    ["of two lines", "hunter2\nhunter3\n", "more than one line"],
    ["with two newlines at the end", "hunter2\n\n", "more than one line"],
    ["with a CR inside", "hun\rter2", "more than one line"],
    ["with a NUL", "hun\0ter2", "or a NUL"],
    ["that is no text", Buffer.from([0xff, 0xfe, 0x41]), "is not text"],
    ["that is too long", "x".repeat(5000), "longer than 4096 bytes"],
  ])("%s is refused without being repeated", (_, content, message) => {
    const answer = read(content);
    expect(answer).toContain(message);
    expect(answer).not.toMatch(/hun|xxx/);
  });

  test.runIf(uid === 0)("of another user is refused, of root is not", () => {
    const folder = folderWith({ theirs: "hunter2", roots: "hunter2" });
    chownSync(join(folder, "theirs"), 12345, 12345);
    expect(readSecretFile(join(folder, "theirs"), { uid: 999 })).toMatchObject({
      ok: false,
      remedy: expect.stringContaining("chown 999"),
    });
    expect(readSecretFile(join(folder, "roots"), { uid: 999 })).toMatchObject({ ok: true });
    // Root may read the service user's file: `sudo sluice check`.
    expect(readSecretFile(join(folder, "theirs"), { uid: 0 })).toMatchObject({ ok: true });
  });

  test("that does not exist is told how to be made", () => {
    const answer = readSecretFile("/nonexistent/password", { uid });
    expect(answer).toMatchObject({ ok: false, message: "/nonexistent/password does not exist" });
  });

  test("that is a folder or a pipe is refused, without waiting for the pipe", () => {
    const folder = folderWith({});
    mkdirSync(join(folder, "folder"), { mode: 0o700 });
    execFileSync("mkfifo", ["-m", "600", join(folder, "pipe")]);
    for (const name of ["folder", "pipe"]) {
      expect(readSecretFile(join(folder, name), { uid })).toMatchObject({
        ok: false,
        message: expect.stringContaining("is not a regular file"),
      });
    }
  });

  test("behind a symbolic link is judged itself", () => {
    const folder = folderWith({ open: "hunter2", closed: "hunter2" }, { open: 0o644 });
    symlinkSync("open", join(folder, "to-open"));
    symlinkSync("closed", join(folder, "to-closed"));
    expect(readSecretFile(join(folder, "to-open"), { uid }).ok).toBe(false);
    expect(readSecretFile(join(folder, "to-closed"), { uid }).ok).toBe(true);
  });
});

test("a systemd credential may be readable by its group, but only inside the credentials folder", () => {
  const folder = folderWith({ portal: "hunter2\n", open: "hunter2\n" }, { portal: 0o440, open: 0o444 });
  const inside = { uid, credentialsDirectory: folder };
  expect(readSecretFile(join(folder, "portal"), inside).ok).toBe(true);
  expect(readSecretFile(join(folder, "open"), inside).ok).toBe(false);
  expect(
    readSecretFile(join(folder, "portal"), { uid, credentialsDirectory: "/run/credentials/other" }).ok,
  ).toBe(false);
});
