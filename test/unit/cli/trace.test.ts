import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { accepted, write } from "../../support/journal-lines.ts";
import { folderWith, goodConfig } from "../config/folder.ts";
import { sluice } from "./command-line.ts";

/** A config whose state folder is empty, and its folder. */
function fresh(): { file: string; state: string } {
  const folder = folderWith({ password: "correct horse\n" });
  const state = join(folder, "state");
  return {
    file: join(folderWith({ "sluice.yaml": `${goodConfig}stateDir: ${state}\n` }), "sluice.yaml"),
    state,
  };
}

test("without an agent the journal on disk answers, and stderr says so", async () => {
  const { file, state } = fresh();
  await write(join(state, "journal"), accepted(new Date().toISOString(), 2));
  const { code, out, err } = await sluice("trace", "USER1@example.org", "-c", file);
  expect([code, err]).toEqual([0, "The agent is not running: read from journal and spool on disk.\n"]);
  expect(out).toMatch(/^1m84xr46400t1k {2}incoming\n/);
  const [message] = JSON.parse((await sluice("trace", "<1@test>", "--json", "-c", file)).out);
  expect(Object.keys(message).join(" ")).toBe(
    "id messageId sender from recipients account user subject state inQueue reason nextAttempt notice notices facts",
  );
});

test("nothing found is exit code 1, with how far back the journal goes and what else to ask", async () => {
  const { file, state } = fresh();
  await write(join(state, "journal"), accepted("2026-03-31T10:00:00.000Z"));
  const { code, out, err } = await sluice("trace", "dean@example.org", "--since", "2h", "-c", file);
  expect([code, out]).toEqual([1, ""]);
  expect(err).toMatch(
    /^Nothing is known of dean@example.org since .*: the journal remembers from 2026-03-31 on/m,
  );
  expect(err).toMatch(
    /\(keep\.history: 14d\)\. To search wider, leave out --since and --until, or ask for all of @/,
  );
  expect(JSON.parse((await sluice("trace", "dean@example.org", "--json", "-c", file)).out)).toEqual([]);
});

test("nothing found is told with a config that has problems too", async () => {
  const { file, state } = fresh();
  await write(join(state, "journal"), accepted("2026-03-31T10:00:00.000Z"));
  await appendFile(file, "hostnam: x\n");
  const { code, err } = await sluice("trace", "dean@example.org", "-c", file);
  expect(code).toBe(1);
  expect(err).toContain("the journal remembers from 2026-03-31 on. To search wider");
});

test("a term, time or number that is none is refused with a sentence", async () => {
  const { file } = fresh();
  const refused = async (...args: string[]) => {
    const { code, err } = await sluice("trace", ...args, "-c", file);
    return `${code} ${err.split("\n")[0]}`;
  };
  expect(await refused("<>")).toMatch(/^64 There is nothing to look for/);
  expect(await refused("a@b.c", "--since", "yesterday")).toMatch(
    /^64 .*It is no time: write a time \(9:14\)/,
  );
  expect(await refused("a@b.c", "--since", "2999-01-01")).toMatch(/^64 --since is still to come/);
  expect(await refused("a@b.c", "--since", "1h", "--until", "2h")).toMatch(
    /^64 --since is later than --until/,
  );
  expect(await refused("a@b.c", "--limit", "101")).toMatch(/^64 .*from 1 to 100/);
  expect(await refused("a@b.c")).toMatch(/^69 .*journal: there is no journal/);
});
