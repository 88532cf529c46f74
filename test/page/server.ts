/**
 * A stand-in for the agent's HTTP server: the real files of the page under the strict policy, and an API whose answers
 * a test sets. What was asked is written down; requests that the page should never make are answered 404.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Overview } from "../../src/control/overview.ts";
import type { QueueDetail, QueueRow } from "../../src/control/queue-view.ts";
import { type Assets, loadAssets } from "../../src/web/assets.ts";

export const STRICT_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'";

export interface PageWorld {
  overview: Overview;
  rows: QueueRow[];
  details: Map<string, QueueDetail>;
  stories: readonly object[];
  loggedIn: boolean;
  /** There is no room for another stream of events. */
  isFull?: boolean;
  /** The queue is large: so many answers come without a row, each after a while, before there is one. */
  slices?: { readonly empty: number; readonly eachMs: number };
  /** What a verb is answered with; default: done. */
  refusal?: string;
}

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export class PageServer {
  readonly world: PageWorld;
  readonly asked: Asked[] = [];
  readonly #assets: Assets;
  readonly #listeners = new Set<ServerResponse>();
  /** Most questions for the queue that were under way at once. */
  mostAtOnce = 0;
  #atOnce = 0;
  #server: Server | undefined;
  #port = 0;

  constructor(world: PageWorld, assets: Assets) {
    this.world = world;
    this.#assets = assets;
  }

  static async start(world: PageWorld): Promise<PageServer> {
    const server = new PageServer(world, await loadAssets());
    await server.listen();
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/`;
  }

  /** Listens, again where it listened before. */
  async listen(): Promise<void> {
    const server = createServer((request, response) => void this.#answer(request, response));
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(this.#port, "127.0.0.1", resolve));
    this.#port = (server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server?.close(() => resolve()));
    this.#server?.closeAllConnections();
    await closed;
  }

  /** Pages that listen. */
  get listening(): number {
    return this.#listeners.size;
  }

  /** Sends the overview as it is now to every page that listens. */
  tell(event: "overview" | "fact" | "heartbeat" = "overview", data: unknown = this.world.overview): void {
    for (const listener of this.#listeners)
      listener.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "", url = "" } = request;
    const { pathname, searchParams } = new URL(url, this.url);
    let body = "";
    for await (const chunk of request) body += chunk;
    this.asked.push({ method, path: url, headers: request.headers, body });
    const asset = this.#assets.get(pathname);
    if (method === "GET" && asset) {
      response.writeHead(200, { "content-type": asset.type, "content-security-policy": STRICT_POLICY });
      response.end(asset.body);
    } else if (!this.world.loggedIn) send(response, 401, { error: "logged out" });
    else if (pathname === "/api/v1/events" && this.world.isFull) send(response, 503, { error: "full" });
    else if (pathname === "/api/v1/events") this.#listen(response);
    else if (method === "POST") this.#verb(pathname, response);
    else this.#get(pathname, searchParams, response);
  }

  #listen(response: ServerResponse): void {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(`event: overview\ndata: ${JSON.stringify(this.world.overview)}\n\n`);
    this.#listeners.add(response);
    response.on("close", () => this.#listeners.delete(response));
  }

  #get(path: string, query: URLSearchParams, response: ServerResponse): void {
    const { overview, details, stories } = this.world;
    const id = /^\/api\/v1\/queue\/(\w+)$/.exec(path)?.[1];
    if (path === "/api/v1/overview") send(response, 200, overview);
    else if (path === "/api/v1/queue") void this.#slice(query, response);
    else if (path === "/api/v1/trace") {
      const messages = found(stories, query.get("term") ?? "");
      send(response, 200, { messages, more: false, from: "2026-11-10" });
    } else if (id !== undefined && details.has(id)) send(response, 200, details.get(id));
    else send(response, 404, { error: `no message ${id} in the queue` });
  }

  async #slice(query: URLSearchParams, response: ServerResponse): Promise<void> {
    const { empty, eachMs } = this.world.slices ?? { empty: 0, eachMs: 0 };
    const looked = Number(/^slice(\d+)$/.exec(query.get("after") ?? "")?.[1] ?? 0);
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.#atOnce);
    if (eachMs > 0) await sleep(eachMs);
    this.#atOnce--;
    if (looked < empty) return send(response, 200, { rows: [], more: true, next: `slice${looked + 1}` });
    if (looked > 0) query.delete("after");
    send(response, 200, this.#queue(query));
  }

  #queue(query: URLSearchParams): { rows: QueueRow[]; more: boolean; next: string | null } {
    const asks = (name: string, value: string | null) => (value ?? "").includes(query.get(name) ?? "");
    const matching = this.world.rows.filter(
      (row) =>
        row.id > (query.get("after") ?? "") &&
        asks("state", row.state) &&
        asks("sender", row.sender) &&
        asks("recipient", row.recipients.join()) &&
        asks("account", row.account) &&
        asks("user", row.user) &&
        row.age * 1000 >= Number(query.get("olderThanMs") ?? 0),
    );
    const rows = matching.slice(0, Number(query.get("limit")));
    const more = rows.length < matching.length;
    return { rows, more, next: more ? (rows.at(-1)?.id ?? null) : null };
  }

  #verb(path: string, response: ServerResponse): void {
    const [, id = "", verb = ""] = /^\/api\/v1\/queue\/(\w+)\/(\w+)$/.exec(path) ?? [];
    const { details, refusal } = this.world;
    const why = details.has(id) ? refusal : `no message ${id} in the queue`;
    if (why !== undefined) {
      send(response, details.has(id) ? 409 : 404, { error: why });
      return;
    }
    const is = { delete: "gone", hold: "held", bounce: "bounced" }[verb] ?? "pending";
    if (is === "gone") details.delete(id);
    else if (is === "held") {
      const held = { state: "held", nextAttempt: null, reason: "held by an operator" } as const;
      details.set(id, { ...(details.get(id) as QueueDetail), ...held });
    }
    send(response, 200, { result: { done: true, was: "pending", is } });
  }
}

function found(stories: readonly object[], term: string): readonly object[] {
  return stories.filter((story) => JSON.stringify(story).includes(term));
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
