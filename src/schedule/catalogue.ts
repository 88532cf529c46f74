/**
 * The reply catalogue: what a relay service's words mean where its codes mislead (many say 5xx for a rate limit).
 *
 * A rule is a pattern on the whole reply, a meaning from a closed list, and a hint in plain words. The first rule
 * that matches wins: the config's, then those of the service's preset, then the general ones below.
 *
 * Promises: the general rules never turn a 4xx into a bounce, and hold a sender back only for clear words about it.
 * Refuses to decide where a rule may speak at all: `verdict.ts` says which cells can stand for a failure.
 */
import type { Cell, Stage, UpstreamReply } from "./outcome.ts";

/** What a rule can say of a reply, in operators' words. */
export type Meaning = keyof typeof CELL_OF;

const CELL_OF = {
  /** This message, later. */
  "try-later": "message defer",
  /** A rate limit or quota of the credential: stop the account, do not hammer. */
  "slow-down": "account defer",
  /** The credential, or where it is used from, is not accepted. */
  credential: "account defer",
  /** The service itself takes no more for now. */
  busy: "upstream defer",
  /** The pair of envelope sender and header From is not allowed. */
  "sender-not-allowed": "pair defer",
  "recipient-refused": "recipient bounce",
  "recipient-later": "recipient defer",
  /** Of those in this transaction; the rest goes at once in the next one. */
  "too-many-recipients": "recipient defer soon",
  /** This message, for good. */
  refused: "message bounce",
} as const satisfies Readonly<Record<string, Cell>>;

export const MEANINGS = Object.keys(CELL_OF) as [Meaning, ...Meaning[]];

export interface ReplyRule {
  /** On the reply as logs show it: one line, codes included. Ignores case. */
  readonly match: RegExp;
  /** Where the reply came; absent: anywhere. */
  readonly stages?: readonly Stage[];
  readonly means: Meaning;
  /** What it means to people. */
  readonly hint: string;
  /** Where the rule stands: `config`, the name of a service's preset, `general`. */
  readonly from: string;
}

const MESSAGE: readonly Stage[] = ["data", "body", "dot"];
const BEFORE_AUTH: readonly Stage[] = ["greeting", "ehlo", "tls"];

const NOT =
  "(?:is |are |was |has )?(?:not (?:been )?|un)(?:allowed|permitted|authori[sz]ed|verified|validated|registered|known)";
const A_PERIOD = "(?:daily|hourly|monthly|sending|submission|outbound|outgoing|relay(?:ing)?)";
const A_LIMIT = "(?:quota|limits?|maximum|threshold)";
const USED_UP = "(?:exceed|reached|used up|exhausted)";

const words = (...alternatives: string[]) => new RegExp(alternatives.join("|"), "i");
/** The same, of a 5xx only: a 4xx is tried again anyway. */
const hardWords = (...alternatives: string[]) => new RegExp(`^5.*(?:${alternatives.join("|")})`, "i");

const TOO_BIG = hardWords(
  "message(?: file)?(?: is)? too (?:big|large)",
  "message.{0,40}\\bsize\\b.{0,40}exceed",
  "message.{0,20}exceed.{0,40}\\bsize\\b",
);

const SENDING_LIMIT = words(
  "throttl",
  "rate[- ]?limit",
  "\\b(?:send(?:ing)?|message|submission) rate\\b",
  "\\brate (?:has been |was |is )?exceed",
  `\\b${A_PERIOD}\\b.{0,60}\\b${A_LIMIT}\\b.{0,30}\\b${USED_UP}`,
  `\\b${USED_UP}.{0,60}\\b${A_PERIOD}\\b.{0,20}\\b${A_LIMIT}\\b`,
  "reached (?:a|the|your) limit (?:for|of) sending",
  "SubmissionQuotaExceeded|tenant has exceeded",
  "too many (?:messages|e?-?mails|recipients)\\b.{0,60}\\b(?:per|an|this|last|past|each|in) (?:\\d+ )?(?:second|minute|hour|day|month)",
  "(?:of|in|for) this (?:hour|day|month)\\b.{0,40}used up",
);

const CONNECTIONS = words(
  "too many (?:concurrent |simultaneous )?(?:connections|sessions)",
  "maximum (?:number of )?(?:concurrent )?(?:server )?connections",
);

/** RFC 7208 §8.4, RFC 7489 §10.3: the sender's domain does not vouch for the relay. */
const SENDER_DOMAIN = hardWords(
  "\\b(?:SPF|DMARC)\\b.{0,60}(?:fail|reject|polic|not (?:pass|align))",
  "unauthenticated (?:e-?mail|message)",
);

const CLIENT_ADDRESS = words(
  "client host (?:\\S+ )?(?:rejected|blocked)",
  `\\bIP(?: address)?\\b.{0,60}(?:${NOT}|blocked|blacklisted|denied)`,
  "(?:un|not )(?:authori[sz]ed|registered|allowed|permitted) (?:source |client |sending )?(?:IP|host|client)\\b",
  "TenantAttribution",
);

const CREDENTIAL = words(
  "\\b(?:your|sender's|sending|smtp) (?:\\w+ )?(?:account|credentials?|password|subscription|service|user)\\b.{0,40}(?:suspend|disabled|expired|locked|blocked|deactivated|terminated|restricted)",
  // not: Exchange's AuthRequired, which is about a group among the recipients
  "(?<!AuthRequired; )authentication (?:is )?required|must (?:first )?authenticate|client was not authenticated",
  "relay(?:ing)? (?:access )?denied.{0,40}authenticat",
);

/** Clear words about the sender only: a bare 550 5.7.1 may be about the content. */
const SENDER = hardWords(
  "sender(?: address)? (?:is |was )?(?:rejected|denied|refused)",
  "not owned by",
  // not: "… to send to this group", which is about the recipient
  `\\bsender(?:'s)?(?: e-?mail)?(?: address| identity| domain)?:? ?(?:<[^<>]*> ?)?${NOT}(?! to send (?:\\w+ )?to\\b)`,
  `\\bfrom(?: (?:address|header|field|domain):?|:| (?=<)) ?(?:<[^<>]*> ?)?${NOT}`,
  "\\bnot (?:have )?(?:allowed|permitted|authori[sz]ed|permissions?|rights?) to (?:send|relay|submit) (?:e?-?mails? |messages? )?(?:as|from|on behalf)\\b",
  "SendAsDenied|relaying disallowed as|bad outbound sender|banned sender|domain of sender address",
  "not a known (?:envelope |header )?(?:sender|from)\\b",
  "\\bunauthori[sz]ed (?:sender|from)\\b",
  "email address is not verified|address not verified|does not match a verified sender",
);

const MAILBOX_FULL = hardWords(
  "(?<=^5..[ -])5\\.2\\.2\\b",
  "mailbox (?:is )?full",
  "mailbox.{0,40}quota",
  "\\bover ?quota\\b",
  "exceeded storage allocation",
);

const TOO_MANY_RECIPIENTS = words(
  "too many recipients",
  "recipient (?:number|limit) exceeded",
  "maximum number of recipients",
);

const CONTENT = hardWords(
  "\\b(?:spam|virus|malware|phishing)\\b",
  "content (?:is |was )?(?:rejected|blocked|refused|restrict)",
);

const HERE = "this machine's address is not one that the service takes mail of the account from";

/** Well-known words of mail servers and relay services. The order matters: from the narrow to the wide. */
const GENERAL: readonly ReplyRule[] = [
  general(TOO_BIG, "refused", "the message is too big for the service", ["mail", ...MESSAGE]),
  general(SENDING_LIMIT, "slow-down", "the account has sent as much as the service allows for now"),
  general(CONNECTIONS, "busy", "the service has too many connections; fewer upstream.sessions may help"),
  general(
    SENDER_DOMAIN,
    "sender-not-allowed",
    "the SPF or DMARC record of the sender's domain does not include the service",
  ),
  general(CLIENT_ADDRESS, "busy", HERE, BEFORE_AUTH),
  general(CLIENT_ADDRESS, "credential", HERE),
  general(CREDENTIAL, "credential", "the service has stopped the account, or does not see its login"),
  general(
    SENDER,
    "sender-not-allowed",
    "the service does not have this envelope sender and header From among those of the account",
  ),
  general(MAILBOX_FULL, "recipient-refused", "the recipient's mailbox is full", ["rcpt", ...MESSAGE]),
  general(TOO_MANY_RECIPIENTS, "too-many-recipients", "the rest goes in a transaction of its own", ["rcpt"]),
  // Proofpoint Essentials says so above its limits, others when a credential lost its rights: not the recipient's fault
  general(
    hardWords("relay(?:ing)? (?:access )?(?:denied|not permitted|prohibited)"),
    "recipient-later",
    "the service does not relay for the account now: look at its limits and rights there",
    ["rcpt"],
  ),
  general(CONTENT, "refused", "the service takes the message for spam or harmful", MESSAGE),
];

/** The rule for a reply, of those whose cell `mayStand` for it. */
export function ruleFor(
  rules: readonly ReplyRule[],
  { stage, reply }: { readonly stage: Stage; readonly reply: UpstreamReply },
  mayStand: (cell: Cell) => boolean,
): { readonly cell: Cell; readonly hint: string } | undefined {
  const found = [...rules, ...GENERAL].find(
    ({ match, stages, means }) =>
      (stages === undefined || stages.includes(stage)) && mayStand(CELL_OF[means]) && match.test(reply.text),
  );
  return found && { cell: CELL_OF[found.means], hint: found.hint };
}

/** Whether a meaning can be that of a reply before MAIL, when there is no message to blame. */
export function fitsBeforeMail(means: Meaning): boolean {
  return /^(?:account|upstream) /.test(CELL_OF[means]);
}

function general(match: RegExp, means: Meaning, hint: string, stages?: readonly Stage[]): ReplyRule {
  return { match, means, hint, from: "general", ...(stages === undefined ? {} : { stages }) };
}
