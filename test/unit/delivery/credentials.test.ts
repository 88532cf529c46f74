/** The passwords in use are those of the files, whenever they were replaced. */
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { Account } from "../../../src/config/config.ts";
import { Credentials } from "../../../src/delivery/credentials.ts";
import { testFolder } from "../../support/folder.ts";
import { until } from "../../support/until.ts";

/** Credentials of one account that was loaded with "old", while its file says `text`. */
async function setting(text: string) {
  const passwordFile = join(await testFolder(), "password");
  const write = (line: string) => {
    writeFileSync(`${passwordFile}.new`, `${line}\n`, { mode: 0o600 });
    renameSync(`${passwordFile}.new`, passwordFile);
  };
  write(text);
  const changed: string[] = [];
  const troubles: string[] = [];
  const credentials = new Credentials({
    accounts: [{ name: "portal", password: { reveal: () => "old" }, passwordFile }] as unknown as Account[],
    onChanged: (account) => void changed.push(account),
    onTrouble: (_, reason) => void troubles.push(reason),
  });
  onTestFinished(() => credentials.stop());
  return { write, changed, troubles, password: () => credentials.of("portal").reveal() };
}

test("a password that was replaced after the config was loaded and before the first look is used", async () => {
  const { password, changed } = await setting("new");
  await until("it is in use", () => password() === "new");
  expect(changed).toEqual(["portal"]);
});

test("a first look at an unchanged file changes nothing; one that is replaced later is used within seconds", async () => {
  const { write, password, changed, troubles } = await setting("old");
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect([password(), changed, troubles]).toEqual(["old", [], []]);
  write("newer");
  await until("it is in use", () => password() === "newer", 4900);
  expect([changed, troubles]).toEqual([["portal"], []]);
});

test("a look at the file of the config before, not over yet, does not bring its password back", async () => {
  const folder = await testFolder();
  const account = (password: string) => {
    const passwordFile = join(folder, password);
    writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
    return { name: "portal", password: { reveal: () => password }, passwordFile } as unknown as Account;
  };
  const changed: string[] = [];
  const credentials = new Credentials({
    accounts: [account("old")],
    onChanged: (name) => void changed.push(name),
    onTrouble: () => {},
  });
  onTestFinished(() => credentials.stop());
  credentials.use([account("new")]);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect([credentials.of("portal").reveal(), changed]).toEqual(["new", []]);
});
