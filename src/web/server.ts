/**
 * The status page's server: the page, the API that it and the commands share, the probes and the metrics, on `http.listen`.
 *
 * Promises: access.ts is asked about every request before anything else is done for it, unknown paths included; every answer
 * forbids scripts, styles and frames of other origins, and is kept by no cache; sizes, times and connections are bounded.
 * An error is a sentence in JSON. Refuses to start where the address cannot be had: the agent goes on without it.
 */
import type { AddressInfo } from "node:net";
import { performance } from "node:perf_hooks";
import { type FastifyReply, fastify } from "fastify";
import { type ApiParts, serveApi } from "../control/api.ts";
import { judge, ownNames, type Place } from "./access.ts";
import { loadAssets } from "./assets.ts";
import { cookieOf, LOGGED_IN, LOGIN_FAILED, LOGIN_NEEDED, sessionIn } from "./login-page.ts";
import { Logins } from "./logins.ts";

const BODY_BYTES = 65_536;
const HEAD_BYTES = 16_384;
const CONNECTIONS = 100;
const REQUEST_MS = 10_000;
const KEEP_ALIVE_MS = 10_000;
/** A socket on which nothing moves; live events say something more often. */
const SILENT_MS = 60_000;

const HEADERS = {
  "content-security-policy": [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join("; "),
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cache-control": "no-store",
} as const;

export interface WebParts extends ApiParts {
  readonly listen: Place;
  /** Of the config in force. */
  readonly hostname: () => string;
}

export interface Web {
  /** Where it listens, with the port that the system chose: `127.0.0.1:8025`. */
  readonly address: string;
  /** A link to the page, good for one login. */
  statusUrl(): string;
  close(): Promise<void>;
}

/** Rejects with the system's error when the address cannot be had. */
export async function startWeb(parts: WebParts): Promise<Web> {
  const { listen, hostname } = parts;
  const logins = new Logins(() => performance.now());
  const server = newServer();
  let place = listen;
  server.addHook("onRequest", async ({ method, url, headers }, answer) => {
    answer.headers(HEADERS);
    const path = url.replace(/\?.*$/s, "");
    const session = sessionIn(headers.cookie, place.port);
    const access = judge(
      { method, path, headers },
      ownNames(place, hostname()),
      () => session !== undefined && logins.knows(session),
    );
    if (access.allowed) return;
    answer.code(access.code);
    if (access.code === 401 && path === "/")
      return answer.type("text/html; charset=utf-8").send(LOGIN_NEEDED);
    return answer.send({ error: access.why });
  });
  server.get<{ Querystring: { token?: unknown } }>(
    "/login",
    { exposeHeadRoute: false },
    ({ query, headers }, answer) => {
      const session = typeof query.token === "string" ? logins.logIn(query.token) : undefined;
      if (session === undefined) return answer.code(403).type("text/html; charset=utf-8").send(LOGIN_FAILED);
      answer.header("set-cookie", cookieOf(session, place.port));
      // To a redirect out of another site no browser adds the cookie that it just got: SameSite=Strict.
      return headers["sec-fetch-site"] === "cross-site"
        ? answer.type("text/html; charset=utf-8").send(LOGGED_IN)
        : answer.redirect("/", 303);
    },
  );
  for (const [path, { type, body }] of await loadAssets()) {
    server.get(path, (_request, answer) => answer.type(type).send(body));
  }
  serveApi(server, parts);
  server.setNotFoundHandler(({ method }, answer) =>
    answer.code(404).send({ error: `there is nothing to ${method} here` }),
  );
  await server.listen({ host: listen.host, port: listen.port }).catch(async (error: Error) => {
    await server.close();
    throw error;
  });
  server.server.maxConnections = CONNECTIONS;
  place = { host: listen.host, port: (server.server.address() as AddressInfo).port };
  return {
    address: hostText(place),
    statusUrl: () => `http://${hostText(reachable(place))}/login?token=${logins.issue()}`,
    close: () => server.close(),
  };
}

function newServer() {
  return fastify({
    logger: false,
    forceCloseConnections: true,
    bodyLimit: BODY_BYTES,
    requestTimeout: REQUEST_MS,
    connectionTimeout: SILENT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // What is refused before any route is looked for.
    frameworkErrors: (_error, _request, answer) => {
      void (answer as FastifyReply).code(400).headers(HEADERS).send({ error: "that is no path" });
    },
    http: { maxHeaderSize: HEAD_BYTES, headersTimeout: REQUEST_MS, connectionsCheckingInterval: 5000 },
  });
}

/** "Every address" is no address to go to. */
function reachable({ host, port }: Place): Place {
  return { host: host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host, port };
}

function hostText({ host, port }: Place): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
