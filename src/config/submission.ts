/**
 * The little of the config that `sluice sendmail` needs: where the agent listens, and how big a message may be.
 *
 * Read without the schema, which costs more than all the rest of a start: cron and PHP start it for each message.
 * Promises: a mistake elsewhere in the file does not stop mail, since a running agent goes by the config before it;
 * environment beats file, as in load.ts. Never throws for what a file or the environment holds.
 * Refuses a file that is not there, is no YAML, or says neither of the two in a way that can be read.
 */
import { readFileSync } from "node:fs";
import { parseConfigText } from "./document.ts";
import { overridesOf } from "./environment.ts";
import { valueAt } from "./findings.ts";
import { defaultListenAddresses, type ListenAddress, parseListenAddress } from "./listen-address.ts";
import { defaultMessageSize, parseSize } from "./units.ts";

export interface Submission {
  /** In the order of the config, one at least; none has port 0. */
  readonly addresses: readonly ListenAddress[];
  readonly messageSizeBytes: number;
}

/** `problem` is a sentence for a person. */
export type SubmissionResult =
  | ({ readonly ok: true } & Submission)
  | { readonly ok: false; readonly problem: string };

export function readSubmission(file: string, env: NodeJS.ProcessEnv): SubmissionResult {
  const values = readValues(file);
  if (values === undefined)
    return { ok: false, problem: `the config file ${file} cannot be read; see sluice check -c ${file}` };
  const override = overridesOf(env, undefined).find(({ variable }) => variable === "SLUICE_LISTEN");
  const written = override?.value ?? valueAt(values, ["listen", "addresses"]) ?? defaultListenAddresses;
  const addresses = (Array.isArray(written) ? written : []).flatMap((text) => {
    const address = parseListenAddress(String(text));
    return address === undefined || address.port === 0 ? [] : [address];
  });
  if (addresses.length === 0)
    return { ok: false, problem: `listen.addresses of ${file} names no address and port` };
  const size = valueAt(values, ["limits", "messageSize"]) ?? defaultMessageSize;
  const messageSizeBytes = parseSize(String(size));
  if (messageSizeBytes === undefined)
    return { ok: false, problem: `limits.messageSize of ${file} is not a size` };
  return { ok: true, addresses, messageSizeBytes };
}

function readValues(file: string): Readonly<Record<string, unknown>> | undefined {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
  const document = parseConfigText(text);
  return document.broken ? undefined : document.values;
}
