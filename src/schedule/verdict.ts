/**
 * What a failure means: the one place that decides, and the only one that compares a reply code.
 *
 * A table: the stage the dialogue stood at, across the class of the reply. Before it stand, in this order: causes
 * of our own making, the reply catalogue (words go before codes), codes whose meaning is fixed wherever they are said.
 *
 * Promises: a session, an upstream, an account or a pair at fault never bounces a message, whatever its code;
 * 421, lost connections, timeouts, TLS, DNS and protocol errors blame none of a message, a recipient and a pair,
 * whatever a catalogue says. Only a definite 5xx, a rule of the config, or our own finding that the message
 * cannot be said bounces.
 */
import type { Address } from "../mail/address.ts";
import { type ReplyRule, ruleFor } from "./catalogue.ts";
import {
  CAUSE,
  type Cell,
  type Failure,
  type RecipientResult,
  type Stage,
  type UpstreamReply,
  type Verdict,
} from "./outcome.ts";

/** `421`: the upstream is closing. `odd`: no failure code, so the protocol is broken. `none`: no reply. */
export type ReplyClass = "421" | "4xx" | "5xx" | "odd" | "none";

// biome-ignore format: one row a stage, one column a class, to be checked by eye
const TABLE: Readonly<Record<Stage, Readonly<Record<ReplyClass, Cell>>>> = {
  dns:      { "421": "upstream defer", "4xx": "upstream defer",  "5xx": "upstream defer",   odd: "upstream defer", none: "upstream defer" },
  connect:  { "421": "upstream defer", "4xx": "upstream defer",  "5xx": "upstream defer",   odd: "upstream defer", none: "upstream defer" },
  greeting: { "421": "upstream defer", "4xx": "upstream defer",  "5xx": "upstream defer",   odd: "upstream defer", none: "upstream defer" },
  tls:      { "421": "upstream defer", "4xx": "upstream defer",  "5xx": "upstream defer",   odd: "upstream defer", none: "upstream defer" },
  ehlo:     { "421": "upstream defer", "4xx": "upstream defer",  "5xx": "upstream defer",   odd: "upstream defer", none: "upstream defer" },
  auth:     { "421": "upstream defer", "4xx": "account defer",   "5xx": "account defer",    odd: "account defer",  none: "upstream defer" },
  mail:     { "421": "session defer",  "4xx": "message defer",   "5xx": "pair defer",       odd: "session defer",  none: "session defer"  },
  rcpt:     { "421": "session defer",  "4xx": "recipient defer", "5xx": "recipient bounce", odd: "session defer",  none: "session defer"  },
  data:     { "421": "session defer",  "4xx": "message defer",   "5xx": "message bounce",   odd: "session defer",  none: "session defer"  },
  body:     { "421": "session defer",  "4xx": "message defer",   "5xx": "message bounce",   odd: "session defer",  none: "session defer"  },
  dot:      { "421": "session defer",  "4xx": "message defer",   "5xx": "message bounce",   odd: "session defer",  none: "session defer"  },
};

/** Causes of our own making, at any stage. */
const BY_CAUSE: ReadonlyMap<string, Cell> = new Map([
  [CAUSE.eightBit, "message bounce"], // RFC 6152 §3: convert or return; what was signed is not converted
  [CAUSE.tooBig, "message bounce"], // RFC 1870 §6.1
  [CAUSE.address, "recipient bounce"],
  [CAUSE.body, "message defer"],
  [CAUSE.noAuth, "account defer"],
  [CAUSE.aborted, "session defer"],
]);

interface CodeRule {
  /** Absent: any 5xx. */
  readonly codes?: readonly number[];
  readonly stages: readonly Stage[];
  /** Applies only to replies with one of these; "" stands for a reply without one. */
  readonly enhanced?: readonly string[];
  /** Does not apply to a reply that says this. */
  readonly unless?: RegExp;
  readonly cell: Cell;
}

const TRANSACTION: readonly Stage[] = ["mail", "rcpt", "data", "body", "dot"];

/** Codes whose meaning is fixed, at these stages. */
const BY_CODE: readonly CodeRule[] = [
  // RFC 4954 §6: 530 authentication required, 534 and 535 credentials refused, 454 cannot check them now
  { codes: [530, 534, 535], stages: TRANSACTION, cell: "account defer" },
  { codes: [454], stages: ["mail"], cell: "account defer" },
  // RFC 5321 §4.2.3: bad sequence of commands says the session is in the wrong state, not the message
  { codes: [503], stages: TRANSACTION, cell: "session defer" },

  // MAIL says a sender and parameters, so its 5xx blames the pair (the table), but for these:
  // RFC 1870 §6.1, RFC 3463 §3.3 and §3.4: the size, said by SIZE=; a 552 5.2.2 is the sender's own full mailbox
  { codes: [552], stages: ["mail"], enhanced: ["", "5.2.3", "5.3.4"], cell: "message bounce" },
  // RFC 3463 §3.7: 5.6.3 conversion required, said to BODY=8BITMIME
  { stages: ["mail"], enhanced: ["5.2.3", "5.3.4", "5.6.3"], cell: "message bounce" },
  // RFC 5321 §4.2.2, §4.1.1.11; RFC 3463 §3.6: a command or parameter is not understood that EHLO offered. That is
  // between the two programs and would strike every message: nothing bounces, and nothing is said of the sender.
  // A bare 501 is about the address more often, and stopping one pair is less than stopping all.
  { codes: [500, 502, 504, 555], stages: ["mail"], cell: "session defer" },
  { codes: [501], stages: ["mail"], enhanced: ["5.5.1", "5.5.2", "5.5.4"], cell: "session defer" },
  { codes: [500, 502], stages: ["data"], cell: "session defer" },

  // RFC 5321 §4.5.3.1.10: too many recipients is 452, was 552 once; those taken go on, the rest comes next.
  // 452 alone is also said by a full disk or mailbox, and that is not over at once.
  {
    codes: [452],
    stages: ["rcpt"],
    enhanced: ["", "4.5.3"],
    unless: /storage|space|full|quota/i,
    cell: "recipient defer soon",
  },
  { codes: [552], stages: ["rcpt"], enhanced: ["", "5.5.3"], cell: "recipient defer soon" },
];

const WHY: Readonly<Record<Cell, string>> = {
  "recipient defer": "the upstream does not take this recipient now",
  "recipient defer soon": "the upstream takes no more recipients in this transaction",
  "recipient bounce": "the upstream refuses this recipient for good",
  "message defer": "the message is not taken now",
  "message bounce": "the message is refused for good",
  "pair defer": "the upstream does not let this sender through now, the message is not to blame",
  "session defer": "the session broke, the message is not to blame",
  "upstream defer": "the upstream cannot be used now, the message is not to blame",
  "account defer": "the upstream does not accept the account now, the message is not to blame",
};

/** Whom a failure blames, and whether its recipients are tried again or given up. */
export type Judge = (failure: Failure) => Verdict;

/** Judges with these rules of the reply catalogue before the general ones; the first match wins. */
export function judgeWith(catalogue: readonly ReplyRule[]): Judge {
  return (failure) => {
    const rule = ruleOf(failure, catalogue);
    const cell = rule?.cell ?? cellOf(failure);
    const [scope, action, soon] = cell.split(" ") as [Verdict["scope"], Verdict["action"], "soon"?];
    const why = rule === undefined ? WHY[cell] : `${WHY[cell]}: ${rule.hint}`;
    return { scope, action, why, ...(soon === undefined ? {} : { soon: true }) };
  };
}

/** By the table and the general rules alone. */
export const judge: Judge = judgeWith([]);

/** A recipient's failed result, judged. */
export function failed(recipient: Address, failure: Failure, decide: Judge = judge): RecipientResult {
  return { recipient, status: "failed", failure, verdict: decide(failure) };
}

/** Whether a reply lets the transaction go on at its stage (at `dot`: the upstream has the message). */
export function goesOn(stage: "mail" | "rcpt" | "data" | "dot", reply: UpstreamReply): boolean {
  if (reply.code >= 200 && reply.code < 300) return true;
  return stage === "data" && reply.code >= 300 && reply.code < 400; // RFC 5321 §4.3.2: 354
}

export function replyClass(reply: UpstreamReply | undefined): ReplyClass {
  if (reply === undefined) return "none";
  if (reply.code === 421) return "421"; // RFC 5321 §3.8: may be said to any command
  if (reply.code >= 400 && reply.code < 500) return "4xx";
  if (reply.code >= 500 && reply.code < 600) return "5xx";
  return "odd";
}

function ruleOf({ stage, reply }: Failure, catalogue: readonly ReplyRule[]): ReturnType<typeof ruleFor> {
  if (reply === undefined) return undefined;
  const group = replyClass(reply);
  const mayBlameMail = TRANSACTION.includes(stage) && (group === "4xx" || group === "5xx");
  return ruleFor(catalogue, { stage, reply }, (cell) => {
    if (cell === "recipient defer soon") return mayBlameMail && stage === "rcpt";
    return mayBlameMail || cell === "account defer" || cell === "upstream defer";
  });
}

function cellOf({ stage, reply, cause }: Failure): Cell {
  const byCause = reply === undefined && cause !== undefined ? BY_CAUSE.get(cause) : undefined;
  if (byCause !== undefined) return byCause;
  const byCode = reply && BY_CODE.find((rule) => applies(rule, stage, reply));
  return byCode?.cell ?? TABLE[stage][replyClass(reply)];
}

function applies(rule: CodeRule, stage: Stage, reply: UpstreamReply): boolean {
  if (!rule.stages.includes(stage)) return false;
  if (rule.codes === undefined ? replyClass(reply) !== "5xx" : !rule.codes.includes(reply.code)) return false;
  if (rule.enhanced !== undefined && !rule.enhanced.includes(reply.enhanced ?? "")) return false;
  return !rule.unless?.test(reply.text);
}
