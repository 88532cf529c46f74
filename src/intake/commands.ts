/**
 * MAIL and RCPT as clients write them, read into a path or into the reply that refuses them.
 *
 * Promises: pure; the address grammar is mail/'s, the same for policy, spool and wire; brackets may be missing.
 * Refuses: bad addresses and source routes (501), parameters other than SIZE and BODY (555), a declared size
 * that cannot go out (552).
 */
import { type Address, type Path, parseCommandArgument, qualify } from "../mail/address.ts";
import { type Reply, visible } from "../mail/reply.ts";
import type { IntakeSettings } from "./ports.ts";
import { badRecipient, badSender, badSizeParameter, tooBig, unknownParameter } from "./replies.ts";

/** `said` is the address in the client's words, fit for a log. */
interface Refused {
  readonly ok: false;
  readonly reply: Reply;
  readonly said: string;
}

/** Reads `MAIL FROM:…`. `sender` is qualified; null for `<>`. */
export function readMail(
  command: Buffer,
  settings: IntakeSettings,
): { readonly ok: true; readonly sender: Address | null; readonly said: string } | Refused {
  const argument = argumentOf(command, "FROM");
  const parsed = argument === undefined ? undefined : parseCommandArgument(argument);
  if (!parsed?.ok) {
    const reply = badSender(parsed?.problem ?? "FROM: is missing");
    return { ok: false, reply, said: visible(argument ?? "", 200) };
  }
  const said = saidPath(parsed.path);
  const reply = refusedMailParameter(parsed.parameters, settings.limits.messageSizeBytes);
  if (reply !== undefined) return { ok: false, reply, said };
  const sender = parsed.path.kind === "null" ? null : qualify(parsed.path, settings.hostname);
  if (sender === undefined) return { ok: false, reply: badSender("no domain can be added to it"), said };
  return { ok: true, sender, said };
}

/** Reads `RCPT TO:…`; a recipient is never `<>`. */
export function readRcpt(
  command: Buffer,
): { readonly ok: true; readonly path: Exclude<Path, { kind: "null" }>; readonly said: string } | Refused {
  const argument = argumentOf(command, "TO");
  const parsed = argument === undefined ? undefined : parseCommandArgument(argument);
  if (!parsed?.ok || parsed.path.kind === "null") {
    const problem = parsed === undefined ? "TO: is missing" : parsed.ok ? "it is empty" : parsed.problem;
    return { ok: false, reply: badRecipient(problem), said: visible(argument ?? "", 200) };
  }
  const said = saidPath(parsed.path);
  for (const name of parsed.parameters.keys())
    return { ok: false, reply: unknownParameter("RCPT", name), said };
  return { ok: true, path: parsed.path, said };
}

/** A path in the client's words. */
export function saidPath(path: Path): string {
  switch (path.kind) {
    case "null":
      return "<>";
    case "address":
      return path.address;
    case "local":
      return path.local;
  }
}

function refusedMailParameter(
  parameters: ReadonlyMap<string, string | true>,
  limitBytes: number,
): Reply | undefined {
  for (const [name, value] of parameters) {
    if (name === "SIZE") {
      // RFC 1870 §5: up to twenty digits.
      if (value === true || !/^[0-9]{1,20}$/.test(value)) return badSizeParameter(String(value));
      if (Number(value) >= limitBytes) return tooBig({ sizeBytes: Number(value), limitBytes });
    } else if (name === "BODY") {
      // RFC 6152 §2. What the message really is, its bytes tell.
      const known = value !== true && /^(?:7BIT|8BITMIME)$/i.test(value);
      if (!known) return unknownParameter("MAIL", `BODY=${value}`);
    } else {
      return unknownParameter("MAIL", name);
    }
  }
  return undefined;
}

/** What follows the colon, one character a byte; undefined without the keyword and its colon. */
function argumentOf(command: Buffer, keyword: "FROM" | "TO"): string | undefined {
  const match = /^\S+\s+([A-Za-z]+)\s*:(.*)$/s.exec(command.toString("latin1"));
  return match?.[1]?.toUpperCase() === keyword ? match[2] : undefined;
}
