/**
 * The command line of sendmail(8), read as getopt does: `-fADDR` and `-f ADDR`, `-ti` for `-t -i`, options before and
 * after recipients, `--` ends them.
 *
 * commander cannot: to sendmail `-oem` is `-o em`, `-d` and `-q` take a value only when it is attached, and `-bp` is a
 * command. What programs pass out of habit (`-oem`, `-odb`, `-B8BITMIME`, `-N never`) is taken and ignored, its value too.
 * Refuses unknown options, and the modes of sendmail that have no meaning here: the daemon is `sluice run`.
 */
import type { SendmailName } from "./sendmail-name.ts";
import { addressProblem, type Sender, senderOf } from "./sendmail-sender.ts";

/** `deliver` a message, speak `smtp` on stdin and stdout, list the `queue`, or do `nothing`, since nothing is to be done. */
export type Mode = "deliver" | "smtp" | "queue" | "nothing";

export interface SendmailOptions {
  readonly mode: Mode;
  /** -t: the message's own recipients, besides those of the command line. */
  readonly fromHead: boolean;
  /** -i: a line with only a dot is text. */
  readonly dots: "text" | "end";
  /** -f, -r; absent: the user who calls. */
  readonly sender?: Sender;
  /** -F */
  readonly fullName?: string;
  /** -C, --config */
  readonly config?: string;
  readonly verbose: boolean;
  /** As they were given. */
  readonly recipients: readonly string[];
}

export type SendmailArguments =
  | { readonly kind: "options"; readonly options: SendmailOptions }
  | { readonly kind: "help" }
  /** A sentence; `data`: the command line is well formed, but not the address in it. */
  | { readonly kind: "refused"; readonly why: "usage" | "data"; readonly problem: string };

type Refused = Extract<SendmailArguments, { kind: "refused" }>;
type Draft = { -readonly [Key in keyof SendmailOptions]: SendmailOptions[Key] };

/** What Postfix, Exim or sendmail 8 know, and what has no meaning here. */
const IGNORED_FLAGS = "GIUcmnsx";
const IGNORED_WITH_VALUE = "ABDLMNORVXehp";
/** The value is there only when it is attached: `-q15m`, `-d8.1`. */
const IGNORED_WITH_ATTACHED = "d";

const MODES: Readonly<Record<string, Mode>> = { m: "deliver", s: "smtp", p: "queue", i: "nothing" };
const OF_NAME: Readonly<Record<SendmailName, Mode>> = {
  sendmail: "deliver",
  mailq: "queue",
  newaliases: "nothing",
};

/** Reads the words after the program's name. `name`: what it was called as, mailq and newaliases being modes of sendmail. */
export function readSendmailArguments(name: SendmailName, words: readonly string[]): SendmailArguments {
  const recipients: string[] = [];
  const draft: Draft = {
    mode: OF_NAME[name],
    fromHead: false,
    dots: "end",
    verbose: false,
    recipients,
  };
  const rest = [...words];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === "--help") return { kind: "help" };
    if (word === "--") {
      recipients.push(...rest);
      break;
    }
    const refused = word.startsWith("-") && word !== "-" ? takeOptions(draft, word, rest) : undefined;
    if (refused !== undefined) return refused;
    if (!word.startsWith("-") || word === "-") recipients.push(word);
  }
  return { kind: "options", options: draft };
}

/** Takes a word of options, and the next word where the last of them wants a value. */
function takeOptions(draft: Draft, word: string, rest: string[]): Refused | undefined {
  const long = /^--config(?:=(.*))?$/s.exec(word);
  if (long) return takeValue(draft, "C", long[1] ?? rest.shift());
  for (let at = 1; at < word.length; at++) {
    const letter = word.charAt(at);
    const attached = word.slice(at + 1);
    if (IGNORED_WITH_ATTACHED.includes(letter)) return undefined;
    if (letter === "q") {
      draft.mode = "nothing"; // the agent runs its queue by itself
      return undefined;
    }
    if (/[CFbfor]/.test(letter) || IGNORED_WITH_VALUE.includes(letter))
      return takeValue(draft, letter, attached === "" ? rest.shift() : attached);
    if (!takeFlag(draft, letter))
      return refusedUsage(`there is no option ${word.startsWith("--") ? word : `-${letter}`}`);
  }
  return undefined;
}

function takeFlag(draft: Draft, letter: string): boolean {
  switch (letter) {
    case "t":
      draft.fromHead = true;
      return true;
    case "i":
      draft.dots = "text";
      return true;
    case "v":
      draft.verbose = true;
      return true;
    default:
      return IGNORED_FLAGS.includes(letter);
  }
}

function takeValue(draft: Draft, letter: string, value: string | undefined): Refused | undefined {
  if (value === undefined) return refusedUsage(`-${letter} wants a value`);
  switch (letter) {
    case "b":
      return takeMode(draft, value);
    case "f":
    case "r": {
      const sender = senderOf(value);
      if (sender === undefined)
        return { kind: "refused", why: "data", problem: addressProblem(letter, value) };
      draft.sender = sender;
      return undefined;
    }
    case "F":
      // It becomes part of the head: a line end in it would be the beginning of another field.
      if (/[\x00-\x1f\x7f]/.test(value)) return refusedUsage("-F has a control character in it");
      draft.fullName = value;
      return undefined;
    case "C":
      draft.config = value;
      return undefined;
    case "o":
      if (value === "i" || value === "itrue") draft.dots = "text";
      return undefined;
    default:
      return undefined;
  }
}

function takeMode(draft: Draft, value: string): Refused | undefined {
  const mode = MODES[value];
  if (mode === undefined) {
    const advice = /^[dDl]/.test(value) ? "; the agent is started with systemctl start sluice" : "";
    return refusedUsage(`there is no mode -b${value} here${advice}`);
  }
  draft.mode = mode;
  return undefined;
}

function refusedUsage(problem: string): Refused {
  return { kind: "refused", why: "usage", problem };
}
