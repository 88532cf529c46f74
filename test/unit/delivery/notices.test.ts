/** Which notices are made, to whom, and how often: what a crash, a digest under way and a stranger's address change. */
import { expect, test } from "vitest";
import { Notices, type NoticesParts } from "../../../src/delivery/notices.ts";
import { failed } from "../../../src/schedule/verdict.ts";
import type { SpoolEntry, SpoolRecord } from "../../../src/spool/entry.ts";
import { messageState } from "../../../src/spool/state.ts";
import { fakeKept } from "../../support/fake-kept.ts";
import { address, entryFor, WIRE } from "../../support/messages.ts";
import { testSpool } from "../../support/spool.ts";

const HOUR_MS = 3_600_000;
const START_MS = 1_800_000_000_000;
const [ann, bob] = [address("ann@example.org"), address("bob@example.org")];
const portal = address("app@lab.example");
const envelope = { sender: portal, recipients: [ann, bob] };
const refused = (recipient: typeof ann, code: number) =>
  failed(recipient, { stage: "rcpt", reply: { code, text: `${code} words` }, text: "words" });
const attempt = (at: number, ...results: ReturnType<typeof failed>[]): SpoolRecord => {
  return { at, event: "attempt", upstream: "u", session: "s", results };
};

/** Notices of an account that may send `perHour`; what is sent is noted, and what was `finished` before can be said. */
async function setting(perHour = 10, kept = fakeKept()) {
  const { spool } = await testSpool();
  const clock = { ms: START_MS };
  const sent: SpoolEntry[] = [];
  const finished = new Set<string>();
  /** Called before a notice is taken into the spool. */
  const around = { accept: async () => {} };
  const notices = new Notices({
    config: () =>
      ({
        hostname: "app01.lab.example",
        notices: {
          perHour,
          failure: { kind: "sender" },
          from: { account: "portal", pair: { envelope: portal, header: portal } },
        },
        retry: { expireAfterMs: 96 * HOUR_MS },
        keep: { bouncedMs: 96 * HOUR_MS },
        accounts: [{ name: "portal", allowDomains: [] }],
      }) as unknown as ReturnType<NoticesParts["config"]>,
    spool: {
      open: async () => ({ ok: false, why: "gone" }), // a notice that was made is delivered and gone
      accept: async (entry: SpoolEntry) => {
        await around.accept();
        sent.push(entry);
      },
    } as unknown as NoticesParts["spool"],
    enqueue: () => {},
    events: { fact: async () => {}, report: () => {} } as unknown as NoticesParts["events"],
    kept,
    workedMs: () => 0,
    wasFinished: async (id) => finished.has(id),
    now: () => clock.ms,
  });

  /** Says what is owed for a message with these records; gives what its file has then. */
  async function about(
    records: readonly SpoolRecord[],
    found: "just tried" | "as it was",
    changes: Partial<SpoolEntry> = {},
  ) {
    const id = changes.id ?? spool.newId();
    await spool.accept({ ...entryFor(id, { envelope, timeMs: START_MS }), ...changes }, [WIRE]);
    const opened = await spool.open(id);
    if (!opened.ok) throw new Error("not there");
    await using message = opened.message;
    for (const record of records) await message.append(record);
    await notices.about(message, messageState(message.entry, message.records), found);
    return message.records;
  }
  const bounce = () => about([attempt(clock.ms, refused(ann, 550))], "just tried");
  return { clock, sent, finished, around, notices, spool, about, bounce };
}

test("a failure that is counted while its sender's digest is being sent is in the next digest", async () => {
  const { clock, sent, around, notices, bounce } = await setting(0);
  await bounce();
  clock.ms += HOUR_MS;
  around.accept = async () => void (await bounce());
  await notices.sendDigests();
  expect(sent).toHaveLength(1);
  around.accept = async () => {};
  clock.ms += HOUR_MS;
  await notices.sendDigests();
  expect(sent).toHaveLength(2);
  clock.ms += HOUR_MS;
  await notices.sendDigests();
  expect(sent).toHaveLength(2);
});

test("a digest that begins with the same message as an earlier one is another digest, and is sent", async () => {
  const { clock, sent, finished, notices, about, spool } = await setting(0);
  const id = spool.newId();
  for (const time of [1, 2]) {
    await about([attempt(clock.ms, refused(ann, 550))], "just tried", { id });
    await spool.remove(id);
    clock.ms += HOUR_MS;
    await notices.sendDigests();
    expect(sent).toHaveLength(time);
    for (const one of sent) finished.add(one.id);
  }
});

test("a digest that was sent just before a crash is not sent again", async () => {
  const sections = {};
  const kept = fakeKept(sections);
  const before = await setting(0, kept);
  await before.bounce();
  before.clock.ms += HOUR_MS;
  kept.put = () => Promise.reject(new Error("it crashed before it was written down"));
  await expect(before.notices.sendDigests()).rejects.toThrow("it crashed");
  expect(before.sent).toHaveLength(1);
  const after = await setting(0, fakeKept(sections));
  after.clock.ms = before.clock.ms;
  after.finished.add(before.sent[0]?.id ?? "");
  await after.notices.sendDigests();
  expect(after.sent).toEqual([]);
  expect(sections).toMatchObject({ notices: { digests: {} } });
});

test("who was noticed just before a crash is not noticed again while another recipient is still tried", async () => {
  const before = await setting();
  const id = before.spool.newId();
  const first = attempt(START_MS, refused(ann, 550), refused(bob, 451));
  await before.about([first], "just tried", { id });
  expect(before.sent).toMatchObject([{ notice: { kind: "failure", of: id } }]);
  const notice = before.sent[0]?.id ?? "";
  const after = await setting(); // the line that says so was never written
  after.finished.add(notice);
  const second = attempt(START_MS + 60_000, refused(bob, 451));
  const records = await after.about([first, second], "just tried", { id });
  expect(after.sent).toEqual([]);
  expect(records.at(-1)).toMatchObject({ event: "noticed", recipients: [ann], id: notice });
});

test("mail that no account may send causes no notice: its sender is what a stranger said", async () => {
  const { clock, sent, about } = await setting();
  const given: SpoolRecord = { at: clock.ms, event: "bounced", recipients: [ann, bob], reason: "no" };
  await about([given], "just tried", { account: null, hold: "no pair" });
  expect(sent).toEqual([]);
  await about([given], "just tried");
  expect(sent).toHaveLength(1);
});
