/**
 * The Subject of a message as the journal keeps it, where `keep.subjects` says so.
 *
 * Promises: one line of plain text, at most `SUBJECT_LENGTH` characters; nothing in it moves a cursor, turns the
 * direction of the text or hides.
 */
import { decodeText } from "./encoded-words.ts";
import type { Head } from "./head.ts";

const SUBJECT_LENGTH = 200;

/** Undefined for a head without one. */
export function subjectOf(head: Head): string | undefined {
  const field = head.fields.find(({ name }) => name === "subject");
  return field && plainText(decodeText(field.value()), SUBJECT_LENGTH);
}

/** Text of a stranger for people, letters of all scripts included: what is no visible character becomes `\uFFFD`. */
export function plainText(text: string, max: number): string {
  const shown = [...text.replaceAll("\t", " ").replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "\uFFFD")];
  return shown.length > max ? `${shown.slice(0, max).join("")}…` : shown.join("");
}
