/**
 * The program under the bench: a relay of its own for each measurement, gone afterwards, also when a signal ends us.
 *
 * With `profileInto`, each agent leaves a CPU profile in that folder, to be read with the developer tools of a
 * Chromium.
 */
import { type RelayOptions, RelayProcess } from "../support/relay-process.ts";

const open = new Set<RelayProcess>();
let profileFolder: string | undefined;

export function profileInto(folder: string): void {
  profileFolder = folder;
}

/** Starts simulator and agent for `work`; `fill` comes before the agent. */
export async function withRelay(
  options: RelayOptions & { readonly fill?: (relay: RelayProcess) => Promise<void> },
  work: (relay: RelayProcess) => Promise<void>,
): Promise<void> {
  const profile = profileFolder === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profileFolder}`];
  const relay = await RelayProcess.prepare({ ...options, nodeOptions: profile });
  open.add(relay);
  try {
    await options.fill?.(relay);
    await relay.up();
    await work(relay);
  } finally {
    open.delete(relay);
    await relay.close();
  }
}

/** Ends whatever runs. */
export async function closeRelays(): Promise<void> {
  for (const relay of open) await relay.close();
}
