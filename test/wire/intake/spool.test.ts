import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Spool } from "../../../src/spool/spool.ts";
import { submit } from "./dialog.ts";
import { message, startIntake } from "./intake.ts";

async function withFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-intake-"));
  try {
    await body(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const spoolIn = (folder: string) =>
  Spool.open({ folder, maxMessages: 10, freeDiskBytes: 0, now: Date.now, random: Math.random });

test("250 means that the message is a file of the spool, named by its queue id", () =>
  withFolder(async (folder) => {
    await using spool = await spoolIn(folder);
    await using intake = await startIntake({
      custody: {
        newId: spool.newId,
        room: () => spool.room(),
        accept: (entry, wire) => spool.accept(entry, wire),
      },
    });
    const id = /^250 2\.0\.0 queued as (\S+)$/.exec(await submit(intake.port, message))?.[1] ?? "";
    expect(await readdir(folder)).toEqual([id]);
    const text = await readFile(join(folder, id), "latin1");
    expect(text).toContain("\r\nSubject: hello\r\n");
    expect(text).toMatch(/\r\n\r\nbody\r\n$/);
    expect(JSON.parse(text.slice(0, text.indexOf("\n")))).toMatchObject({ id, account: "portal" });
  }));

test("when the spool cannot be written the message is refused with 451 4.3.0 and nothing is left", () =>
  withFolder(async (folder) => {
    const spoolFolder = join(folder, "spool");
    await using spool = await spoolIn(spoolFolder);
    await using intake = await startIntake({
      custody: { newId: spool.newId, accept: (entry, wire) => spool.accept(entry, wire) },
    });
    await rm(spoolFolder, { recursive: true });
    expect(await submit(intake.port, message)).toMatch(/^451 4\.3\.0 /);
    expect(await readdir(folder)).toEqual([]);
    expect(intake.listener.uploadBytes).toBe(0);
  }));
