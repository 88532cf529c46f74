/**
 * From the replies of one transaction to each recipient's result.
 *
 * The replies come in the order of the commands: MAIL, each RCPT, DATA, the final dot (RFC 2920 §3.1 keeps
 * that order when they are pipelined). What is not answered gets the failure that ended the session.
 *
 * Promises: a recipient is delivered only when its RCPT, DATA and the dot all have a positive reply, the
 * last of them heard after the dot was said. `soon` is said only where a recipient was taken, so that asking
 * again at once always asks for fewer.
 */
import type { Address } from "../mail/address.ts";
import {
  CAUSE,
  type Failure,
  type RecipientResult,
  type Stage,
  type UpstreamReply,
} from "../schedule/outcome.ts";
import { failed, goesOn, type Judge } from "../schedule/verdict.ts";
import { refusal } from "./replies.ts";

/** A reply and what it answers. `body`: it came while the message was still being sent. */
export interface Heard {
  readonly stage: Stage;
  readonly reply: UpstreamReply;
}

export interface Transcript {
  /** host[ip]:port */
  readonly who: string;
  readonly heard: readonly Heard[];
  /** What ended the attempt, where replies are missing. */
  readonly ending: Failure;
  readonly judge: Judge;
}

export interface Reading {
  readonly results: readonly RecipientResult[];
  /** The message was under way and no reply that can be believed says what became of it. */
  readonly unanswered: boolean;
}

export function readTranscript(recipients: readonly Address[], transcript: Transcript): Reading {
  const { who, heard, ending, judge } = transcript;
  const replyTo = (stage: Stage) => heard.find((one) => one.stage === stage)?.reply;
  const toRcpt = heard.filter((one) => one.stage === "rcpt").map((one) => one.reply);

  const mail = replyTo("mail");
  if (mail === undefined || !goesOn("mail", mail)) {
    const failure = mail === undefined ? ending : refusal(who, "mail", mail);
    return { results: recipients.map((recipient) => failed(recipient, failure, judge)), unanswered: false };
  }
  const message = readMessage(who, replyTo, ending);
  const judgeRcpt = toRcpt.some((reply) => goesOn("rcpt", reply)) ? judge : notSoon(judge);
  const results = recipients.map((recipient, index): RecipientResult => {
    const reply = toRcpt[index];
    if (reply === undefined) return failed(recipient, ending, judge);
    if (!goesOn("rcpt", reply)) return failed(recipient, refusal(who, "rcpt", reply), judgeRcpt);
    if ("failure" in message) return failed(recipient, message.failure, judge);
    return { recipient, status: "delivered", reply: message.delivered };
  });
  return { results, unanswered: "failure" in message && message.unanswered };
}

/** What became of the message for those whose RCPT was taken. */
function readMessage(
  who: string,
  replyTo: (stage: Stage) => UpstreamReply | undefined,
  ending: Failure,
): { delivered: UpstreamReply } | { failure: Failure; unanswered: boolean } {
  const data = replyTo("data");
  if (data === undefined) return { failure: ending, unanswered: false };
  if (!goesOn("data", data)) return { failure: refusal(who, "data", data), unanswered: false };

  const early = replyTo("body");
  if (early !== undefined) {
    // RFC 5321 §4.3.1: the reply belongs to the whole message; a yes given before it is no yes
    if (!goesOn("dot", early)) return { failure: refusal(who, "body", early), unanswered: false };
    const text = `${who} took the message before it was sent: ${early.text}`;
    return { failure: { stage: "body", cause: CAUSE.protocol, text }, unanswered: true };
  }
  const dot = replyTo("dot");
  if (dot === undefined) return { failure: ending, unanswered: true };
  return goesOn("dot", dot) ? { delivered: dot } : { failure: refusal(who, "dot", dot), unanswered: false };
}

/** An upstream that takes no recipient at all would be asked for ever. */
function notSoon(judge: Judge): Judge {
  return (failure) => {
    const { soon: _, ...verdict } = judge(failure);
    return verdict;
  };
}
