/** The status page's server with small parts behind it, and a client that says what it likes. */
import { connect } from "node:net";
import { onTestFinished } from "vitest";
import { Live } from "../../../src/control/live.ts";
import type { Overview } from "../../../src/control/overview.ts";
import type { Told } from "../../../src/observe/events.ts";
import { startWeb, type Web, type WebParts } from "../../../src/web/server.ts";

export interface PageServer {
  readonly web: Web;
  readonly port: number;
  /** What was done to messages. */
  readonly applied: string[];
  /** How often the overview was made. */
  overviews(): number;
  /** What the next overview says is in the queue. */
  setQueue(incoming: number): void;
  tell(told: Told): void;
  /** The cookie of a new login. */
  login(): Promise<string>;
}

export async function pageServer(changes: Partial<WebParts> = {}): Promise<PageServer> {
  const applied: string[] = [];
  let [overviews, incoming] = [0, 0];
  const listeners = new Set<(told: Told) => void>();
  const overview = async () => {
    overviews++;
    return { now: String(overviews), queue: { states: { incoming } } } as unknown as Overview;
  };
  const live = new Live({
    overview,
    hear: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    lookMs: 20,
  });
  const parts = {
    listen: { host: "127.0.0.1", port: 0 },
    hostname: () => "app01.lab.example",
    overview,
    live,
    health: async () => ({
      ok: false,
      reasons: [
        {
          code: "pair-stopped",
          account: "portal",
          reason: "the pair a@secret.example is stopped",
          nextProbe: null,
        },
        { reason: "b@secret.example", nextProbe: null },
      ],
      warnings: ["the config file was refused: c@secret.example"],
    }),
    accepts: () => true,
    metrics: async (form: string) => ({ type: "text/plain", text: form }),
    apply: async (verb: string, id: string) => {
      applied.push(`${verb} ${id}`);
      return { done: true };
    },
    source: {
      spool: {
        ids: async () => {
          throw new Error("the disk is gone");
        },
      },
    },
    ...changes,
  } as unknown as WebParts;
  const web = await startWeb(parts);
  onTestFinished(() => web.close());
  const port = Number(web.address.split(":").at(-1));
  return {
    web,
    port,
    applied,
    overviews: () => overviews,
    setQueue: (count) => {
      incoming = count;
    },
    tell: (told) => {
      for (const listener of listeners) listener(told);
    },
    async login() {
      const { headers } = await fetch(web.statusUrl(), { redirect: "manual" });
      return String(headers.get("set-cookie")?.split(";")[0]);
    },
  };
}

/** Says `bytes` and gives everything that comes back until the server hangs up; `and` says more meanwhile. */
export function say(port: number, bytes: string | Buffer): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port }, () => socket.write(bytes));
    let heard = "";
    socket.setEncoding("latin1").on("data", (text) => {
      heard += text;
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(heard));
  });
}
