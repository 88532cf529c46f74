/**
 * Who may ask what of the status page: decided from a request's line and fields, before its body is read.
 *
 *     Host not ours ─▶ 421     another site asks ─▶ 403     no login ─▶ 401     a POST that a form could send ─▶ 403, 415
 *
 * Promises: pure. A name that somebody's DNS points to us (rebinding) is no name of ours; a page of another origin, also
 * of another port of this machine, reads nothing and changes nothing.
 * Open to all are the probes, which show no address, and the login. Where sluice listens to the network the probes answer
 * under any name, since supervisors ask by address; the page never does.
 */
import { isLoopback } from "../config/rules.ts";

/** Shown without a login. */
const PROBES: ReadonlySet<string> = new Set(["/healthz", "/readyz", "/metrics"]);
/** What a person may come to from a link elsewhere. */
const ENTRIES: ReadonlySet<string> = new Set(["/", "/login"]);
const READING: ReadonlySet<string> = new Set(["GET", "HEAD"]);
/** The field that no form can send, and no page of another origin without asking first. */
const OUR_FIELD = "x-sluice";

export interface Asked {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

export interface Place {
  readonly host: string;
  readonly port: number;
}

export interface Own {
  readonly hosts: ReadonlySet<string>;
  readonly reach: "loopback" | "network";
}

export type Access =
  | { readonly allowed: true }
  | { readonly allowed: false; readonly code: number; readonly why: string };

/** The names under which the page may be asked for, with the port; `hostname`: the config's. */
export function ownNames({ host, port }: Place, hostname: string): Own {
  const reach = isLoopback(host) ? "loopback" : "network";
  const names = ["localhost", "127.0.0.1", "[::1]", host.includes(":") ? `[${host}]` : host];
  if (reach === "network") names.push(hostname.toLowerCase());
  // RFC 9110 §4.2.1: the port may be left out when it is 80.
  return {
    hosts: new Set(names.flatMap((name) => [`${name}:${port}`, ...(port === 80 ? [name] : [])])),
    reach,
  };
}

/** `loggedIn` is asked only when it matters. */
export function judge({ method, path, headers }: Asked, own: Own, loggedIn: () => boolean): Access {
  const field = (name: string) => {
    const value = headers[name];
    return typeof value === "string" ? value : undefined;
  };
  const reading = READING.has(method);
  const probe = PROBES.has(path) && reading;
  const host = field("host")?.toLowerCase() ?? "";
  if (!own.hosts.has(host) && !(probe && own.reach === "network"))
    return no(421, "not a name of this page; a tunnel needs the same port at both ends");
  const origin = field("origin");
  if (origin !== undefined && origin !== `http://${host}`)
    return no(403, "a page of another origin may not ask");
  const site = field("sec-fetch-site") ?? "none";
  const entry = ENTRIES.has(path) && method === "GET" && field("sec-fetch-mode") === "navigate";
  if (site !== "same-origin" && site !== "none" && !entry)
    return no(403, "a page of another site may not ask");
  if (probe) return yes;
  if (path === "/login" && method === "GET") {
    // A browser that looks ahead would use the link up.
    return field("sec-purpose") === undefined ? yes : no(403, "the link is for a person");
  }
  if (!loggedIn()) return no(401, "not logged in; on the machine where sluice runs, run: sluice status-url");
  if (reading) return yes;
  if (field(OUR_FIELD) !== "1") return no(403, `an action needs the header field ${OUR_FIELD}: 1`);
  const json = /^application\/json\s*(;|$)/i.test(field("content-type") ?? "");
  return json ? yes : no(415, "an action needs content-type: application/json");
}

const yes: Access = { allowed: true };

function no(code: number, why: string): Access {
  return { allowed: false, code, why };
}
