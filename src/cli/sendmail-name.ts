/**
 * The names that `sluice sendmail` goes by, as other mail systems have them.
 *
 * Refuses to import anything: main.ts asks it at every start.
 */

const NAMES = ["sendmail", "mailq", "newaliases"] as const;

export type SendmailName = (typeof NAMES)[number];

/** Whether a program, or the first word after `sluice`, is one of them. */
export function isSendmailName(word: string | undefined): word is SendmailName {
  return NAMES.some((name) => name === word);
}
