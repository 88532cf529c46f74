/**
 * What a pace promises, said over a plain list of the MAILs that were said: it knows nothing of buckets or intervals.
 *
 * Promises: pure; each fault is a sentence. Times are real ones, milliseconds, whatever the clocks showed.
 */
import type { Pace } from "../../src/schedule/pace.ts";

export type Paced = Extract<Pace, { kind: "paced" }>;

/** A MAIL that was said. */
export interface Said {
  readonly atMs: number;
  readonly chargedMs: number;
  readonly class: "urgent" | "bulk";
  readonly recipients: number;
  readonly bytes: number;
}

/** A limit on what some of the MAILs weigh together. */
export interface Limit {
  readonly name: string;
  readonly cap: number;
  readonly burst: number;
  readonly weigh: (said: Said) => number;
}

/** When a burst more than usual may have gone: a clock jumped forward, or somebody put an older state back by hand. */
export type Exceptions = readonly number[];

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
/** How much later than its charge a MAIL may be said. */
const LATE_MS = 5000;

/** The hour never holds more than the cap, nor a minute of charges more than a sixtieth of it and the burst. */
export function paceFaults(limit: Limit, said: readonly Said[], exceptions: Exceptions = []): string[] {
  const { name, cap, burst, weigh } = limit;
  const weighed = said.filter((one) => weigh(one) > 0);
  const mails = weighed.map((one) => ({ atMs: one.atMs, weight: weigh(one) }));
  const charges = weighed.map((one) => ({ atMs: one.chargedMs, weight: weigh(one) }));
  const more = (fromMs: number, toMs: number) =>
    burst * exceptions.filter((atMs) => atMs > fromMs - LATE_MS && atMs <= toMs).length;
  const faults: string[] = [];
  const check = (
    what: string,
    { events, spanMs, most }: { events: Event[]; spanMs: number; most: number },
  ) => {
    for (const { fromMs, toMs, sum } of windows(events, spanMs)) {
      const allowed = most + more(fromMs, toMs);
      if (sum > allowed) faults.push(`${sum} ${name} in ${what} from ${fromMs}, ${allowed} are allowed`);
    }
  };
  check("an hour", { events: mails, spanMs: HOUR_MS, most: cap });
  // What is larger than a burst takes its minute for itself.
  if (mails.every(({ weight }) => weight <= burst)) {
    check("a minute of charges", { events: charges, spanMs: MINUTE_MS, most: cap / 60 + burst });
    const late = ((MINUTE_MS + LATE_MS) * (cap - burst)) / (HOUR_MS + LATE_MS);
    check("a minute", { events: mails, spanMs: MINUTE_MS, most: late + burst });
  }
  return faults;
}

interface Event {
  readonly atMs: number;
  readonly weight: number;
}

/** The sums of all windows that begin with an event; a window includes both its ends. */
function windows(events: readonly Event[], spanMs: number): { fromMs: number; toMs: number; sum: number }[] {
  const rising = [...events].sort((a, b) => a.atMs - b.atMs);
  let [sum, end] = [0, 0];
  return rising.map(({ atMs, weight }) => {
    for (; end < rising.length && (rising[end] as Event).atMs <= atMs + spanMs; end++)
      sum += (rising[end] as Event).weight;
    const window = { fromMs: atMs, toMs: atMs + spanMs, sum };
    sum -= weight;
    return window;
  });
}

/** What a pace limits, in words of the config. */
export function limitsOf(pace: Paced, bursts: ReadonlyMap<string, { cap: number; burst: number }>): Limit[] {
  const weigh: Record<string, Limit["weigh"]> = {
    messages: () => 1,
    bulk: (said) => (said.class === "bulk" ? 1 : 0),
    recipients: ({ recipients }) => recipients,
    bytes: ({ bytes }) => bytes,
  };
  const cap: Record<string, number | undefined> = {
    messages: pace.perHour,
    recipients: pace.recipientsPerHour,
    bytes: pace.bytesPerHour,
    // A share of next to nothing leaves two an hour to the others: a bucket cannot be smaller.
    bulk: Math.max(2, Math.floor(pace.perHour * (1 - pace.urgentShare) + 1e-9)),
  };
  return [...bursts].map(([name, bucket]) => ({
    name,
    cap: cap[name] ?? Number.NaN,
    burst: bucket.burst,
    weigh: weigh[name] as Limit["weigh"],
  }));
}
