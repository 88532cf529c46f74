/**
 * What doctor asks the world: names, connections, the clock, the running agent. Handed in, so that tests need no network.
 *
 * Promises: every answer comes within a limit, and a failure is a value.
 */
import { execFile } from "node:child_process";
import { Resolver } from "node:dns/promises";
import { promisify } from "node:util";
import { connect, resolve } from "../upstream/dial.ts";

export type Addresses =
  | { readonly ok: true; readonly addresses: readonly string[] }
  | { readonly ok: false; readonly why: string };

/** TXT records of a name, each joined; `none`: the name has none; `unknown`: DNS did not tell. */
export type Txt =
  | { readonly kind: "records"; readonly records: readonly string[] }
  | { readonly kind: "none" }
  | { readonly kind: "unknown"; readonly why: string };

/** What became of a TCP connection: `open`, or the system's code (ECONNREFUSED, ETIMEDOUT, …). */
export type Reach =
  | { readonly ok: true; readonly localAddress: string }
  | { readonly ok: false; readonly code: string };

export type AgentAnswer =
  | { readonly agent: "answered"; readonly status: number; readonly body: unknown }
  | { readonly agent: "not running" }
  | { readonly agent: "not allowed" };

export interface Ports {
  lookup(host: string): Promise<Addresses>;
  txt(name: string): Promise<Txt>;
  /** Connects and hangs up. */
  reach(address: string, port: number): Promise<Reach>;
  /** Whether the system says that its clock is synchronised; undefined where nothing tells. */
  synchronised(): Promise<boolean | undefined>;
  /** GETs a path of the agent's API. */
  askAgent(path: string): Promise<AgentAnswer>;
  readonly nowMs: () => number;
}

const LOOKUP_MS = 4000;
const REACH_MS = 5000;
const TXT_MS = 2000;
const TXT_TRIES = 2;
const CLOCK_MS = 3000;

const quiet = (who: string, limitMs: number) => ({
  who,
  limitMs,
  signal: undefined,
  scrub: (text: string) => text,
});

/** The real ones; how the agent is asked is the caller's to say. */
export function systemPorts(askAgent: Ports["askAgent"]): Ports {
  const resolver = new Resolver({ timeout: TXT_MS, tries: TXT_TRIES });
  return {
    async lookup(host) {
      const found = await resolve(host, quiet(host, LOOKUP_MS));
      if (found.ok) return { ok: true, addresses: [...new Set(found.value)] };
      return { ok: false, why: found.failure.cause ?? found.failure.text };
    },
    txt: (name) => txtOf(resolver, name),
    async reach(address, port) {
      const dialled = await connect(address, port, quiet(`${address}:${port}`, REACH_MS));
      if (!dialled.ok) return { ok: false, code: dialled.failure.cause ?? "unknown" };
      const { localAddress = "" } = dialled.value;
      dialled.value.destroy();
      return { ok: true, localAddress: localAddress.replace(/^::ffff:/, "") };
    },
    synchronised,
    askAgent,
    nowMs: Date.now,
  };
}

async function txtOf(resolver: Resolver, name: string): Promise<Txt> {
  try {
    const records = await resolver.resolveTxt(name);
    return { kind: "records", records: records.map((pieces) => pieces.join("")) }; // RFC 7208 §3.3
  } catch (error) {
    const { code = "unknown" } = error as NodeJS.ErrnoException;
    if (code === "ENODATA" || code === "ENOTFOUND") return { kind: "none" };
    return { kind: "unknown", why: code };
  }
}

/** timedated(8) says what the kernel knows, whichever program keeps the time. */
async function synchronised(): Promise<boolean | undefined> {
  const args = ["show", "--property=NTPSynchronized", "--value"];
  const said = await promisify(execFile)("timedatectl", args, { timeout: CLOCK_MS }).catch(() => undefined);
  const word = said?.stdout.trim();
  return word === "yes" ? true : word === "no" ? false : undefined;
}
