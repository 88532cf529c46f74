/** Where is it? Each message is found by id, Message-ID and address, with the agent and without. */
import { mkdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Life } from "../../src/control/life.ts";
import { journalText, oneOf } from "../support/journal-search.ts";
import { Relay } from "../support/relay.ts";
import { submit } from "../support/smtp-client.ts";
import { until } from "../support/until.ts";

const message = (name: string, from = "app@lab.example") =>
  `From: ${from}\r\nMessage-ID: <${name}@program.example>\r\nSubject: secret ${name}\r\n\r\nhello\r\n`;

async function traced(relay: Relay, term: string): Promise<{ lives: Life[]; stderr: string }> {
  const { code, stdout, stderr } = await relay.command("trace", term, "--json");
  expect([term, code]).toEqual([term, 0]);
  return { lives: JSON.parse(stdout), stderr };
}

test("delivered, refused, deferred and bounced mail is found, with the upstream's words and the notice", async () => {
  const relay = await Relay.start({
    config: "keep: { subjects: yes }",
    fail: ["rcpt:later@example.org=451 4.7.1 greylisted", "rcpt:gone@example.org=550 5.1.1 no such user"],
  });
  const send = (name: string, from?: string) =>
    submit(relay.port, { to: `${name}@example.org`, data: message(name, from), ...(from ? { from } : {}) });
  const ids = {
    dean: (await send("dean")).id,
    later: (await send("later")).id,
    gone: (await send("gone")).id,
  };
  expect((await send("refused", "evil@elsewhere.example")).code).toBe(550);
  await until("all is told", async () => {
    const told = relay.events("delivered").length;
    return told === 2 && relay.events("deferred").length > 0 && relay.events("bounced").length > 0;
  });
  const expected = {
    dean: { id: ids.dean, state: "delivered", inQueue: false, subject: "secret dean" },
    later: {
      id: ids.later,
      state: "deferred",
      inQueue: true,
      reason: expect.stringContaining("451 4.7.1 greylisted"),
    },
    gone: { id: ids.gone, state: "bounced", inQueue: true, notices: [{ kind: "failure" }] },
    refused: { state: "rejected", inQueue: false, subject: "secret refused", facts: [{ event: "rejected" }] },
  };
  const findAll = async (note: string) => {
    for (const [name, life] of Object.entries(expected)) {
      const terms = [`${name}@example.org`, `<${name}@program.example>`];
      for (const term of terms) {
        const { lives, stderr } = await traced(relay, term);
        expect([term, lives]).toMatchObject([term, [life]]);
        expect(stderr).toBe(note);
      }
    }
    const [notice, bounced] = (await traced(relay, ids.gone)).lives;
    expect(bounced).toMatchObject(expected.gone);
    expect(notice).toMatchObject({ state: "delivered", notice: { kind: "failure", of: ids.gone } });
    expect((await traced(relay, "@elsewhere.example")).lives).toMatchObject([expected.refused]);
    expect((await traced(relay, "app@lab.example")).lives).toHaveLength(4); // the notice has it as sender, too
  };
  await findAll("");
  const { stdout } = await relay.command("trace", ids.later);
  expect(stdout).toMatch(/^ {2}now {18}deferred: .*451 4\.7\.1 greylisted.*; next attempt 2/m);
  const nobody = await relay.command("trace", "nobody@example.org");
  expect([nobody.code, nobody.stderr]).toEqual([1, expect.stringContaining("To search wider")]);

  await relay.down();
  await findAll("The agent is not running: read from journal and spool on disk.\n");
  expect(JSON.stringify(relay.log)).not.toContain("secret");
});

test("the running agent indexes what is in the journal, and a spoilt index hides nothing", async () => {
  const relay = await Relay.prepare({ config: "keep: { history: 3650d }" });
  const folder = join(relay.stateDir, "journal");
  const index = join(folder, "2026-07-01.idx");
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "2026-07-01.jsonl"), journalText(2000));
  await relay.up();
  await until("it is indexed", async () => (await stat(index).catch(() => undefined))?.size);
  expect((await traced(relay, "user7@example.org")).lives).toMatchObject([{ id: oneOf(7).id }]);
  await writeFile(index, "spoilt");
  expect((await traced(relay, "<mail7@app01.lab.example>")).lives).toMatchObject([{ id: oneOf(7).id }]);
});
