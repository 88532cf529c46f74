import { appendFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { follow, type Step, stepsOf } from "../../../src/cli/follow.ts";
import type { QueueDetail } from "../../../src/control/queue-view.ts";
import { marksOfEnd } from "../../../src/journal/tail.ts";
import { testFolder } from "../../support/folder.ts";

const ID = "1m84xr46400t1k";
const AT = "2026-01-01T10:00:00.000Z";
const accepted = {
  event: "accepted",
  id: ID,
  account: "portal",
  sender: "bounces@lab.example",
  from: "news@lab.example",
  recipients: ["dean@example.org"],
  rule: "senders.rewrite[0]",
} as never;
const ended = {
  event: "delivered",
  id: ID,
  upstream: "smtp[192.0.2.1]:587",
  reply: { code: 250, text: "250 2.0.0 taken" },
};

const line = (fact: object) => `${JSON.stringify({ at: AT, ...fact })}\n`;
const words = ({ step, text }: Step) => `${step}: ${text}`;

/** A journal with one older line about the same message, which is not to be told. */
async function journal() {
  const folder = await testFolder();
  const file = join(folder, "2026-01-01.jsonl");
  await writeFile(file, line({ ...ended, reply: { text: "older" } }));
  return { folder, file, marks: await marksOfEnd(folder) };
}

function following(
  { folder, marks }: Awaited<ReturnType<typeof journal>>,
  ask: () => QueueDetail | undefined,
) {
  const signal = AbortSignal.timeout(20_000);
  return follow({ id: ID, journalFolder: folder, marks, ask: async () => ask(), signal });
}

test("steps come as they happen, the wait once, and the outcome ends them", async () => {
  const seen: string[] = [];
  const here = await journal();
  await appendFile(here.file, line(accepted) + line({ event: "accepted", id: "other", messageId: ID }));
  let asked = 0;
  const ask = () => {
    asked++;
    if (asked === 4) void appendFile(here.file, line(ended));
    const reason = `it goes at the account's pace: ${asked} of 9 messages`;
    return { state: "incoming", attempts: [], reason, nextAttempt: null } as unknown as QueueDetail;
  };
  for await (const step of following(here, ask)) seen.push(words(step));
  expect(seen).toEqual([
    `accepted: as ${ID}, for dean@example.org`,
    "rule: goes out with From news@lab.example, envelope bounces@lab.example (senders.rewrite[0])",
    "waits: because it goes at the account's pace: 1 of 9 messages",
    "delivered: smtp[192.0.2.1]:587 said: 250 2.0.0 taken",
  ]);
});

test("a signal ends it without an outcome", async () => {
  const here = await journal();
  await appendFile(here.file, line(accepted));
  const steps: Step[] = [];
  const given = { id: ID, journalFolder: here.folder, marks: here.marks, ask: async () => undefined };
  for await (const step of follow({ ...given, signal: AbortSignal.timeout(50) })) steps.push(step);
  expect(steps.map(({ step, outcome }) => `${step} ${outcome}`)).toEqual([
    "accepted undefined",
    "rule undefined",
  ]);
});

test("mail that no rule knows is not told to go out", () => {
  const steps = stepsOf({ ...(accepted as object), account: null, rule: "senders.unknown" } as never, AT);
  expect(steps.map(words)[1]).toBe(
    "rule: none for From news@lab.example, envelope bounces@lab.example (senders.unknown)",
  );
});

test("what an upstream says is told without its control characters", () => {
  const [step] = stepsOf({ ...ended, reply: { code: 250, text: "250 \u001b[31mred" } } as never, AT);
  expect(step?.text).not.toContain("\u001b");
  expect(step).toMatchObject({ at: AT, outcome: "delivered" });
});

test.each([
  ["bounced", { reason: "550 5.1.1 no" }, "bounced"],
  ["expired", { reason: "too old" }, "bounced"],
  ["deleted", { reason: "by an operator" }, "bounced"],
  ["held", { reason: "unknown sender" }, "held"],
  ["deferred", { reason: "451 later", next: AT }, undefined],
  ["released", { verb: "retry" }, undefined],
] as const)("%s is a step of its own", (event, more, outcome) => {
  const [step] = stepsOf({ event, id: ID, ...more } as never, AT);
  expect(step).toMatchObject({ step: event });
  expect(step?.outcome).toBe(outcome);
});
