/**
 * The oracle: were promises P1 to P4 kept? It compares the client's journal of what it was told with the sink's own
 * journal of what arrived, and with the attempts that the agent's log calls in doubt.
 *
 *     accepted (250)                    every recipient has it, at least once         else lost
 *     unknown (dot said, no reply)      none, some or all have it                     –
 *     refused, never finished           nobody has it                                 else a ghost
 *     anything                          once more only for each attempt in doubt      else repeated without cause
 *
 * Promises: pure; judges each message by itself, and each recipient of it. Refuses to be satisfied by a journal that
 * says more than was done: what nobody submitted, or to somebody it was not for, is a ghost too.
 */

/** What the client saw of its message. */
export type Saw = "accepted" | "refused" | "unknown" | "never finished";

/** One message in the client's journal. `id` is in the message, and in no other one. */
export interface Submission {
  readonly id: string;
  readonly saw: Saw;
  readonly recipients: readonly string[];
  /** Of the body, as it was said. */
  readonly sha256: string;
}

/** One message in the sink's journal. */
export interface Arrival {
  readonly id: string;
  /** The agent's name for it, from its Received field. */
  readonly queueId: string;
  readonly recipients: readonly string[];
  readonly sha256: string;
}

export interface Journals {
  readonly submissions: readonly Submission[];
  readonly arrivals: readonly Arrival[];
  /** A queue id for each attempt in doubt. */
  readonly inDoubt: readonly string[];
}

export interface Judgement {
  /** Messages that got their 250. */
  readonly accepted: number;
  readonly lost: number;
  readonly ghosts: number;
  /** How often somebody got a message again, with cause or without. */
  readonly repeated: number;
  /** Attempts in doubt. */
  readonly inDoubt: number;
  readonly corrupted: number;
  /** `broken` exactly when there is a fault. */
  readonly verdict: "kept" | "broken";
  /** What is wrong, a sentence each. */
  readonly faults: readonly string[];
}

const MAY_ARRIVE: Readonly<Record<Saw, boolean>> = {
  accepted: true,
  unknown: true,
  refused: false,
  "never finished": false,
};

export function judge({ submissions, arrivals, inDoubt }: Journals): Judgement {
  const count = { lost: 0, ghosts: 0, repeated: 0, corrupted: 0 };
  const faults: string[] = [];
  const find = (kind: keyof typeof count, sentence: string) => {
    count[kind]++;
    faults.push(sentence);
  };
  const arrivalsOf = grouped(arrivals);
  const known = new Map(submissions.map((submission) => [submission.id, submission]));
  if (known.size !== submissions.length) faults.push("two messages have one id: nothing can be said of them");

  for (const { id, saw, recipients } of submissions) {
    if (saw !== "accepted") continue;
    const reached = new Set((arrivalsOf.get(id) ?? []).flatMap((arrival) => arrival.recipients));
    const missing = recipients.filter((recipient) => !reached.has(recipient));
    if (missing.length > 0) find("lost", `${id} was accepted and did not reach ${missing.join(", ")}`);
  }
  const doubts = counted(inDoubt);
  for (const [id, copies] of arrivalsOf) {
    const submission = known.get(id);
    const stranger = copies.flatMap(({ recipients }) => recipients).find((to) => !isFor(submission, to));
    if (!submission) find("ghosts", `${id} arrived and nobody submitted it`);
    else if (!MAY_ARRIVE[submission.saw]) find("ghosts", `${id} arrived although it was ${submission.saw}`);
    else if (stranger !== undefined) find("ghosts", `${id} arrived at ${stranger}, whom it is not for`);
    if (submission && copies.some(({ sha256 }) => sha256 !== submission.sha256))
      find("corrupted", `${id} arrived with other bytes than were submitted`);
    const repeats = repeatsIn(copies);
    const causes = [...new Set(copies.map(({ queueId }) => queueId))];
    const allowed = causes.reduce((sum, queueId) => sum + (doubts.get(queueId) ?? 0), 0);
    count.repeated += repeats;
    if (repeats > allowed)
      faults.push(`${id} (${causes.join(", ")}) was repeated ${repeats} times with ${allowed} in doubt`);
  }
  const verdict = faults.length === 0 ? "kept" : "broken";
  const accepted = submissions.filter(({ saw }) => saw === "accepted").length;
  return { accepted, ...count, inDoubt: inDoubt.length, verdict, faults };
}

/**
 * How often the recipient who got it most often got it too often. Not how many arrivals were too many: what was in
 * doubt once for two recipients may come again in two parts.
 */
function repeatsIn(copies: readonly Arrival[]): number {
  const got = counted(copies.flatMap(({ recipients }) => recipients));
  return Math.max(...got.values()) - 1;
}

function isFor(submission: Submission | undefined, recipient: string): boolean {
  return submission?.recipients.includes(recipient) ?? false;
}

function grouped(arrivals: readonly Arrival[]): Map<string, Arrival[]> {
  const groups = new Map<string, Arrival[]>();
  for (const arrival of arrivals) groups.set(arrival.id, [...(groups.get(arrival.id) ?? []), arrival]);
  return groups;
}

function counted(ids: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
  return counts;
}
