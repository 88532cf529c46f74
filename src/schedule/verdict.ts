/**
 * What a failure means: the one place that decides, and the only one that compares a reply code.
 *
 * A table: the stage the dialogue stood at, across the class of the reply. Two short lists of exceptions
 * stand before it: causes of our own making, and codes whose meaning is fixed wherever they are said.
 *
 * Promises: a session, an upstream or an account at fault never bounces a message, whatever its code;
 * 421, lost connections, timeouts, TLS, DNS and protocol errors are such faults. Only a definite 5xx (or
 * our own finding that the message cannot be said) bounces.
 */
import type { Address } from "../mail/address.ts";
import {
  CAUSE,
  type Failure,
  type RecipientResult,
  type Stage,
  type UpstreamReply,
  type Verdict,
} from "./outcome.ts";

/** By type: only a message and a recipient can bounce. */
type Cell = `${Verdict["scope"]} defer` | "message bounce" | "recipient bounce";

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
  mail:     { "421": "session defer",  "4xx": "message defer",   "5xx": "message bounce",   odd: "session defer",  none: "session defer"  },
  rcpt:     { "421": "session defer",  "4xx": "recipient defer", "5xx": "recipient bounce", odd: "session defer",  none: "session defer"  },
  data:     { "421": "session defer",  "4xx": "message defer",   "5xx": "message bounce",   odd: "session defer",  none: "session defer"  },
  body:     { "421": "session defer",  "4xx": "message defer",   "5xx": "message bounce",   odd: "session defer",  none: "session defer"  },
  dot:      { "421": "session defer",  "4xx": "message defer",   "5xx": "message bounce",   odd: "session defer",  none: "session defer"  },
};

/** Causes of our own making, at any stage. */
const BY_CAUSE: Readonly<Record<string, Cell>> = {
  [CAUSE.eightBit]: "message bounce", // RFC 6152 §3: convert or return; what was signed is not converted
  [CAUSE.tooBig]: "message bounce", // RFC 1870 §6.1
  [CAUSE.address]: "recipient bounce",
  [CAUSE.body]: "message defer",
  [CAUSE.noAuth]: "account defer",
  [CAUSE.aborted]: "session defer",
};

interface CodeRule {
  readonly code: number;
  readonly stages: readonly Stage[];
  /** Applies only to replies with one of these, or with none. */
  readonly enhanced?: readonly string[];
  readonly cell: Cell;
}

const TRANSACTION: readonly Stage[] = ["mail", "rcpt", "data", "body", "dot"];

/** Codes whose meaning is fixed, at these stages. */
const BY_CODE: readonly CodeRule[] = [
  // RFC 4954 §6: 530 authentication required, 534 and 535 credentials refused, 454 cannot check them now
  { code: 530, stages: TRANSACTION, cell: "account defer" },
  { code: 534, stages: TRANSACTION, cell: "account defer" },
  { code: 535, stages: TRANSACTION, cell: "account defer" },
  { code: 454, stages: ["mail"], cell: "account defer" },
  // RFC 5321 §4.2.3: bad sequence of commands says the session is in the wrong state, not the message
  { code: 503, stages: TRANSACTION, cell: "session defer" },
  // RFC 5321 §4.5.3.1.10: "too many recipients" was 552 once, and is to be taken for 452
  { code: 552, stages: ["rcpt"], enhanced: ["5.5.3"], cell: "recipient defer" },
];

const WHY: Readonly<Record<Cell, string>> = {
  "recipient defer": "the upstream does not take this recipient now",
  "recipient bounce": "the upstream refuses this recipient for good",
  "message defer": "the message is not taken now",
  "message bounce": "the message is refused for good",
  "pair defer": "the upstream does not let this sender through now, the message is not to blame",
  "session defer": "the session broke, the message is not to blame",
  "upstream defer": "the upstream cannot be used now, the message is not to blame",
  "account defer": "the upstream does not accept the account now, the message is not to blame",
};

/** Whom a failure blames, and whether its recipients are tried again or given up. */
export function judge(failure: Failure): Verdict {
  const cell = cellOf(failure);
  const [scope, action] = cell.split(" ") as [Verdict["scope"], Verdict["action"]];
  return { scope, action, why: WHY[cell] };
}

/** A recipient's failed result, judged. */
export function failed(recipient: Address, failure: Failure): RecipientResult {
  return { recipient, status: "failed", failure, verdict: judge(failure) };
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

function cellOf({ stage, reply, cause }: Failure): Cell {
  const byCause = reply === undefined && cause !== undefined ? BY_CAUSE[cause] : undefined;
  if (byCause !== undefined) return byCause;
  const byCode = BY_CODE.find((rule) => reply?.code === rule.code && applies(rule, stage, reply.enhanced));
  return byCode?.cell ?? TABLE[stage][replyClass(reply)];
}

function applies(rule: CodeRule, stage: Stage, enhanced: string | undefined): boolean {
  if (!rule.stages.includes(stage)) return false;
  return rule.enhanced === undefined || enhanced === undefined || rule.enhanced.includes(enhanced);
}
