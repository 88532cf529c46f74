/**
 * Lines about the config: is it valid, can the passwords be read, are user names and senders what the relay service takes.
 *
 * Promises: all problems as `sluice check` tells them; each stands in one line only. A password is never shown; a file that
 * this user may not read is not called broken.
 */
import type { Problem } from "../config/config.ts";
import { domainOf } from "../mail/address.ts";
import { about, type Finding } from "./finding.ts";
import { type AccountPart, addressesOf, type Patient } from "./patient.ts";

/** The relay service allows this many distinct addresses for one credential, envelope and header counted alike. */
const MAX_ADDRESSES = 10;
/** RFC 2606 §2, RFC 6761, RFC 6762 §3, and names that ICANN keeps for private use: no mail from outside gets there. */
const NOWHERE = /(^|\.)(test|example|invalid|localhost|local|internal|lan|home\.arpa)$/i;

export function settingsFindings(patient: Patient): Finding[] {
  return [...configFindings(patient), ...patient.accounts.flatMap(accountFindings)];
}

function configFindings({ file, problems, warnings, accounts }: Patient): Finding[] {
  const own = problems.filter((problem) => !toldByItself(problem, accounts));
  const unwise = warnings.filter((warning) => !toldByItself(warning, accounts));
  return [
    ...(own.length === 0 ? [about("config", file).ok("valid")] : []),
    ...own.map((problem) => {
      const line = about("config", place(file, problem));
      return (problem.denied ? line.unknown : line.failed)(said(problem), problem.remedy);
    }),
    ...unwise.map((warning) => about("config", place(file, warning)).warn(said(warning), warning.remedy)),
  ];
}

/** Password files, user names and sender addresses have lines of their own. */
function toldByItself({ path }: Problem, accounts: readonly AccountPart[]): boolean {
  const index = Number(/^accounts\[(\d+)\]/.exec(path)?.[1] ?? Number.NaN);
  if (Number.isNaN(index)) return false;
  const known = accounts[index]?.username !== undefined;
  return path.endsWith(".passwordFile") || (path.endsWith(".username") && known);
}

function place(file: string, { line }: Problem): string {
  return line === undefined ? file : `${file}:${line}`;
}

function said({ path, value, message }: Problem): string {
  const subject = [path, value].filter((part) => part !== undefined && part !== "").join(" ");
  return subject === "" ? message : `${subject} ${message}`;
}

function accountFindings(account: AccountPart): Finding[] {
  return [passwordFinding(account), usernameFinding(account), sendersFinding(account)];
}

function passwordFinding({ name, path, password, passwordFile, passwordProblem }: AccountPart): Finding {
  const line = about("password", name);
  if (password !== undefined) return line.ok(`${passwordFile} can be read, and by nobody else`);
  if (passwordProblem?.denied) {
    const remedy = passwordProblem.message.includes("$CREDENTIALS_DIRECTORY")
      ? "while the service runs, call doctor as root with CREDENTIALS_DIRECTORY=/run/credentials/sluice.service"
      : passwordProblem.remedy;
    return line.unknown(passwordProblem.message, remedy);
  }
  if (passwordProblem) return line.failed(passwordProblem.message, passwordProblem.remedy);
  return line.unknown(`the config does not say ${path}.passwordFile as it should`, "mend the config first");
}

function usernameFinding({ name, path, username }: AccountPart): Finding {
  const line = about("username", name);
  if (username === undefined)
    return line.unknown(`the config does not say ${path}.username`, "write it there");
  if (!username.includes("@")) return line.ok("is no e-mail address, as it should be");
  const found = `${username} looks like an e-mail address; the relay service's user names are not`;
  return line.warn(found, `compare ${path}.username with the credential you were given`);
}

function sendersFinding(account: AccountPart): Finding {
  const line = about("senders", account.name);
  const addresses = addressesOf(account);
  if (addresses.length === 0)
    return line.unknown("no sender can be read from the config", `mend ${account.path}.senders first`);
  if (addresses.length > MAX_ADDRESSES) {
    const found = `${addresses.length} distinct addresses, and the relay service allows ${MAX_ADDRESSES}`;
    return line.failed(
      found,
      `move some of ${account.path}.senders to another account, or use senders.rewrite`,
    );
  }
  const nowhere = addresses.find((address) => NOWHERE.test(domainOf(address)));
  if (nowhere !== undefined) {
    const found = `${nowhere} is in a domain that exists on no public network`;
    return line.warn(found, `name a real mailbox in ${account.path}.senders, one that the service allowed`);
  }
  const count = addresses.length === 1 ? "1 address" : `${addresses.length} addresses`;
  return line.ok(`${count} of ${MAX_ADDRESSES}, each a single mailbox`);
}
