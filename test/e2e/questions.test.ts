/** The eight questions of docs/operations.md: each command as it stands there, on the real program, has its answer. */
import { userInfo } from "node:os";
import { expect, test } from "vitest";
import { rowsUnder } from "../support/operations-page.ts";
import { Relay } from "../support/relay.ts";
import { submit } from "../support/smtp-client.ts";
import { until } from "../support/until.ts";

const CONFIG = `
retry: { first: 1h, max: 1h, expireAfter: 4d }
senders: { rewrite: [ { match: "*@app01.internal", to: app@lab.example } ] }`;

/** What of the output answers the question. */
const ANSWERS: Readonly<Record<string, RegExp>> = {
  "where is it?": /^ID {2}deferred$/m,
  "why does it wait?": /^state +deferred: 451 4\.7\.1 greylisted, come back$/m,
  "until when?": /^next +20\d\d-\d\d-\d\d \d\d:\d\d:\d\d$/m,
  "which rule changed its From?":
    /^from +app@lab\.example \(the client said cron@app01\.internal\)\ndecided by +senders\.rewrite\[0\]: /m,
  "who sent it?": new RegExp(`^ +user +${userInfo().username}$`, "m"),
  "what did the upstream say?":
    /deferred +dean@example\.org at localhost.*: 451 4\.7\.1 greylisted, come back; next /,
  "is mail flowing?": /^mail +flows$/m,
  "what will the year cost?":
    /^portal: the year from 20\d\d-07-01 to .* has 1 message \(0 % of 5,000 messages\), .*; a forecast needs a day of/m,
};

test("each of the eight questions is answered by its command", async () => {
  const relay = await Relay.start({
    config: CONFIG,
    pace: "{ perHour: 3600, burst: 5, perYear: { messages: 5000, starts: 07-01 } }",
    fail: ["rcpt=451 4.7.1 greylisted, come back"],
  });
  const mail = {
    from: "cron@app01.internal",
    to: "dean@example.org",
    data: "From: cron@app01.internal\r\nSubject: report\r\n\r\nx\r\n",
  };
  const { id } = await submit(relay.port, mail);
  await until("it is deferred", () => relay.events("deferred").length === 1);

  const questions = rowsUnder("Eight questions", "question");
  expect(questions.map(([question]) => question)).toEqual(Object.keys(ANSWERS));
  for (const [question = "", command = ""] of questions) {
    const [program, ...args] = command.replaceAll("`", "").replace("ID", id).split(" ");
    expect(program).toBe("sluice");
    const { code, stdout, stderr } = await relay.command(...args);
    expect([question, code, stderr]).toEqual([question, 0, ""]);
    expect(stdout.replaceAll(id, "ID"), question).toMatch(ANSWERS[question] as RegExp);
  }
});
