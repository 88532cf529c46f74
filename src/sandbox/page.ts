/**
 * The simulator's page of arrived mail: its files, the list, one message; on this machine only.
 *
 * Promises: read only; a page of another site cannot read it (its Host would be another), nor put it in a frame.
 * Refuses to listen beyond loopback; anything but GET; a Host that is not this machine.
 * Bounds: 20 connections, ten seconds for a request; what page-view.ts says of answers.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type ArrivedSource, arrivedMessage, arrivedRows } from "./page-view.ts";

export interface PageOptions {
  readonly source: ArrivedSource;
  /** What a browser loads, by URL path. */
  readonly assets: ReadonlyMap<string, { readonly type: string; readonly body: Buffer }>;
  /** A loopback address. */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

export interface Page {
  readonly url: string;
  close(): Promise<void>;
}

const LOOPBACK = /^(127\.\d+\.\d+\.\d+|::1|localhost)$/;
const MAX_CONNECTIONS = 20;
const REQUEST_MS = 10_000;

const HEADERS = {
  "cache-control": "no-store",
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

/** Listens; rejects with a sentence when it cannot, or should not. */
export async function servePage(options: PageOptions): Promise<Page> {
  const { host, port } = options;
  if (!LOOPBACK.test(host))
    throw new Error(`Cannot show arrived mail on ${host} as others could read it: choose 127.0.0.1 or ::1`);
  const server = createServer(
    { requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS },
    (request, response) => {
      answer(options, request, response).catch((error: Error) =>
        send(response, 500, { error: error.message }),
      );
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const why = error.code === "EADDRINUSE" ? "another program has it" : error.message;
      reject(new Error(`Cannot show arrived mail on ${host}:${port} as ${why}. Choose another with --http.`));
    });
    server.listen(port, host, resolve);
  });
  const { port: bound } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${bound}/`,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(
  { source, assets }: PageOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  // A name that somebody else's DNS points at this machine is not ours (DNS rebinding).
  if (!isThisMachine(request.headers.host))
    return send(response, 421, { error: "this host is not known here" });
  if (request.method !== "GET") return send(response, 405, { error: "there is only GET here" });
  const path = request.url?.split("?")[0] ?? "/";
  const asset = assets.get(path);
  if (asset) {
    response.writeHead(200, { ...HEADERS, "content-type": asset.type }).end(asset.body);
    return;
  }
  if (path === "/arrived") return send(response, 200, arrivedRows(source));
  const number = /^\/arrived\/(\d{1,9})$/.exec(path)?.[1];
  const message = number === undefined ? undefined : await arrivedMessage(source, Number(number));
  if (message) send(response, 200, message);
  else send(response, 404, { error: "there is nothing here" });
}

function isThisMachine(host: string | undefined): boolean {
  const name = /^(?:\[([^\]]+)\]|([^:]+))(?::\d+)?$/.exec(host ?? "");
  return LOOPBACK.test(name?.[1] ?? name?.[2] ?? "");
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { ...HEADERS, "content-type": "application/json" }).end(JSON.stringify(body));
}
