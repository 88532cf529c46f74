/**
 * Faults on request: the grammar of `sluice sandbox --fail RULE`, and which rule fires when.
 *
 *     STAGE[:ADDRESS][#N | #N-M | %N]=ACTION
 *
 *   STAGE    connect greeting ehlo starttls tls auth mail rcpt data body dot
 *   ADDRESS  only for mail (envelope sender), rcpt (recipient) and data, body, dot (sender or any recipient):
 *            an address, `*@domain` or `local@*`
 *   #N #N-M  the Nth (to the Mth) time only; %N every Nth time. Times are counted per rule, where it matches.
 *   ACTION   `550 5.1.1 text` a reply | `drop` cut the connection | `hang` say nothing more |
 *            `delay 2s` be late (ms, s, m) | `strip` do not offer it (starttls, auth)
 *
 * At `dot`, drop, hang and delay come after the message was kept: the client cannot know that it arrived.
 * Of several rules that fire at once the first decides. Refuses a rule that it does not understand wholly.
 */

/** Where in a session a fault can happen, in the order of the dialog. */
const ACTIONS_AT = {
  connect: ["drop", "hang"],
  greeting: ["reply", "drop", "hang", "delay"],
  ehlo: ["reply", "drop", "hang", "delay"],
  starttls: ["reply", "drop", "hang", "delay", "strip"],
  tls: ["drop", "hang"],
  auth: ["reply", "drop", "hang", "delay", "strip"],
  mail: ["reply", "drop", "hang", "delay"],
  rcpt: ["reply", "drop", "hang", "delay"],
  data: ["reply", "drop", "hang", "delay"],
  body: ["drop", "hang"],
  dot: ["reply", "drop", "hang", "delay"],
} as const satisfies Record<string, readonly FaultAction["kind"][]>;

export type FaultStage = keyof typeof ACTIONS_AT;

/** What happens when a rule fires. `text` is the reply without its code, enhanced code included. */
export type FaultAction =
  | { readonly kind: "reply"; readonly code: number; readonly text: string }
  | { readonly kind: "drop" }
  | { readonly kind: "hang" }
  | { readonly kind: "strip" }
  | { readonly kind: "delay"; readonly delayMs: number };

/** One parsed `--fail` rule; fires from the `first` to the `last` time, or every `every`th. */
export interface FailRule {
  readonly text: string;
  readonly stage: FaultStage;
  readonly address?: string;
  readonly times: { readonly first: number; readonly last: number } | { readonly every: number };
  readonly action: FaultAction;
}

const RULE = /^([a-z]+)(?::([^\s=#%]+))?(?:#(\d{1,7})(?:-(\d{1,7}))?|%(\d{1,7}))?=(.+)$/;
const ADDRESS_PATTERN = /^(?:\*|[^\s@*]+)@(?:\*|[^\s@*]+)$/;
const STAGES_WITH_ADDRESS: readonly FaultStage[] = ["mail", "rcpt", "data", "body", "dot"];
const MS_PER_UNIT = { ms: 1, s: 1000, m: 60_000 } as const;
/** The longest delay: beyond the ten minutes that a client waits for the reply to its dot. */
export const MAX_DELAY_MS = 15 * 60_000;
/** Rules at once; far more than anybody writes by hand. */
const MAX_RULES = 1000;

/** Reads one rule. The problem is a sentence that names the rule and what to write instead. */
export function parseFailRule(text: string): { ok: true; rule: FailRule } | { ok: false; problem: string } {
  const wrong = (why: string) => ({ ok: false as const, problem: `Cannot use --fail ${text}: ${why}.` });
  const parts = RULE.exec(text);
  if (!parts)
    return wrong("it must look like STAGE[:ADDRESS][#N|%N]=ACTION, as in rcpt:bob@example.org=550 5.1.1 no");
  const [, stage, address, first, last, every, actionText] = parts as unknown as [
    string,
    string,
    ...string[],
  ];
  if (!isStage(stage))
    return wrong(`there is no stage ${stage}; the stages are ${Object.keys(ACTIONS_AT).join(" ")}`);
  if (address !== undefined) {
    if (!STAGES_WITH_ADDRESS.includes(stage)) {
      return wrong(`${stage} takes no address, only ${STAGES_WITH_ADDRESS.join(" ")} do`);
    }
    if (!ADDRESS_PATTERN.test(address)) return wrong(`${address} is not an address, *@domain or local@*`);
  }
  if ([first, last, every].some((n) => n !== undefined && Number(n) === 0))
    return wrong("times are counted from 1");
  if (last !== undefined && Number(last) < Number(first)) return wrong(`#${first}-${last} runs backwards`);
  const action = parseAction(actionText ?? "");
  if (typeof action === "string") return wrong(action);
  const allowed: readonly string[] = ACTIONS_AT[stage];
  if (!allowed.includes(action.kind))
    return wrong(`${stage} allows ${allowed.join(", ")}, not ${action.kind}`);
  const times =
    every === undefined
      ? { first: Number(first ?? 1), last: Number(last ?? first ?? Number.POSITIVE_INFINITY) }
      : { every: Number(every) };
  return { ok: true, rule: { text, stage, ...(address === undefined ? {} : { address }), times, action } };
}

function isStage(text: string): text is FaultStage {
  return Object.hasOwn(ACTIONS_AT, text);
}

/** The action, or why there is none. */
function parseAction(text: string): FaultAction | string {
  if (text === "drop" || text === "hang" || text === "strip") return { kind: text };
  const delay = /^delay (\d{1,6})(ms|s|m)$/.exec(text);
  if (delay) {
    const delayMs = Number(delay[1]) * MS_PER_UNIT[delay[2] as keyof typeof MS_PER_UNIT];
    return delayMs <= MAX_DELAY_MS ? { kind: "delay", delayMs } : "a delay is at most 15m";
  }
  // Only refusals: a good reply in the wrong place is not a fault that a relay service shows.
  const reply = /^([45]\d\d) ([\x21-\x7e][\x20-\x7e]{0,499})$/.exec(text);
  if (reply) return { kind: "reply", code: Number(reply[1]), text: reply[2] as string };
  return `the action ${text} is none of: a reply such as "451 4.7.1 text", drop, hang, delay 2s, strip`;
}

/** The rules in force, with their counts. */
export class Faults {
  #rules: { rule: FailRule; seen: number }[] = [];

  constructor(rules: readonly FailRule[] = []) {
    this.set(rules);
  }

  /** Puts other rules in force; counting begins anew. Throws above 1000 rules. */
  set(rules: readonly FailRule[]): void {
    if (rules.length > MAX_RULES) {
      throw new RangeError(
        `Cannot use ${rules.length} fail rules: at most ${MAX_RULES} are kept. Use fewer.`,
      );
    }
    this.#rules = rules.map((rule) => ({ rule, seen: 0 }));
  }

  /** Counts one occasion at `stage`, for the addresses it concerns, and says what goes wrong, if anything. */
  next(stage: FaultStage, addresses: readonly string[] = []): FaultAction | undefined {
    return this.#fire((rule) => rule.stage === stage && rule.action.kind !== "strip", addresses);
  }

  /** Counts one EHLO that would offer `stage`, and says whether the offer is left out. */
  strips(stage: "starttls" | "auth"): boolean {
    return this.#fire((rule) => rule.stage === stage && rule.action.kind === "strip", []) !== undefined;
  }

  #fire(concerns: (rule: FailRule) => boolean, addresses: readonly string[]): FaultAction | undefined {
    let fired: FaultAction | undefined;
    for (const entry of this.#rules) {
      const { rule } = entry;
      if (!concerns(rule)) continue;
      if (rule.address !== undefined && !addresses.some((a) => matches(rule.address as string, a))) continue;
      entry.seen += 1;
      if (isDue(rule.times, entry.seen)) fired ??= rule.action;
    }
    return fired;
  }
}

function isDue(times: FailRule["times"], seen: number): boolean {
  return "every" in times ? seen % times.every === 0 : seen >= times.first && seen <= times.last;
}

function matches(pattern: string, address: string): boolean {
  const at = address.lastIndexOf("@");
  const [local, domain] = pattern.toLowerCase().split("@");
  return (
    (local === "*" || local === address.slice(0, at).toLowerCase()) &&
    (domain === "*" || domain === address.slice(at + 1).toLowerCase())
  );
}
