/**
 * What a fact tells of a message's head, whether it is accepted or refused: what `sluice trace` finds it by, and shows.
 *
 * Promises: no Subject without `keep.subjects`.
 */
import type { Head } from "../mail/head.ts";
import { visible } from "../mail/reply.ts";
import { subjectOf } from "../mail/subject.ts";
import type { IntakeSettings } from "./ports.ts";
import type { Known } from "./refusals.ts";

/** Read before anything is decided. */
export function saidInHead(head: Head, { keep }: IntakeSettings): Pick<Known, "messageId" | "subject"> {
  const messageId = head.fields.find(({ name }) => name === "message-id")?.value();
  const subject = keep.subjects ? subjectOf(head) : undefined;
  return {
    ...(messageId === undefined ? {} : { messageId: visible(messageId) }),
    ...(subject === undefined ? {} : { subject }),
  };
}
