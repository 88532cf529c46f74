/**
 * How sluice stands, over HTTP: the overview, live events, and for supervisors and monitoring the probes and the metrics.
 *
 * Promises: `/healthz`, `/readyz` and `/metrics` name no address and repeat no reply, since they are shown to whoever can
 * reach them: codes, accounts and words of ours only. The whole sentences are in `/api/v1/overview` and `/api/v1/health`.
 */
import type { FastifyInstance } from "fastify";
import type { HealthView } from "./health-text.ts";
import type { Live } from "./live.ts";
import type { Overview } from "./overview.ts";

export interface StatusApiParts {
  readonly health: () => Promise<HealthView>;
  readonly overview: () => Promise<Overview>;
  /** Whether mail is accepted: not before the listener listens, and not while it stops. */
  readonly accepts: () => boolean;
  readonly metrics: (form: "prometheus" | "openmetrics") => Promise<{ type: string; text: string }>;
  readonly live: Live;
}

/** For those who may see no more; the codes are delivery's. */
const CONFIG_WORDS = "the config file is not what is in force: see `sluice`, or the log";
const WORDS: Readonly<Record<string, string>> = {
  "upstream-stopped": "the upstream cannot be reached, or fails",
  "account-stopped": "the upstream refuses the account: its credential, or its rate",
  "pair-stopped": "the upstream refuses a sender of the account",
  standstill: "mail is due and nothing moves",
  "nothing-delivered": "mail is tried and nothing is delivered",
  "redis-away": "Redis does not answer: mail is taken, and waits",
  "disk-low": "the disk of the spool is low: no mail is taken",
  "queue-full": "limits.queue is reached: no mail is taken",
};
const OTHER_WORDS = "see `sluice` on that machine";

/** Adds the routes. */
export function serveStatus(server: FastifyInstance, parts: StatusApiParts): void {
  server.get("/api/v1/health", () => parts.health());
  server.get("/api/v1/overview", () => parts.overview());
  server.get("/api/v1/events", { exposeHeadRoute: false }, async (_request, answer) => {
    if (!parts.live.room) return answer.code(503).send({ error: "too many live pages are open: close one" });
    for (const [name, value] of Object.entries(answer.getHeaders())) {
      if (value !== undefined) answer.raw.setHeader(name, value);
    }
    answer.hijack();
    await parts.live.begin(answer.raw);
  });
  server.get("/healthz", async (_request, answer) => {
    const health = publicHealth(await parts.health());
    return answer.code(health.ok ? 200 : 503).send(health);
  });
  server.get("/readyz", (_request, answer) => {
    const ready = parts.accepts();
    return answer.code(ready ? 200 : 503).send({ ok: ready });
  });
  server.get("/metrics", async ({ headers }, answer) => {
    const wanted = /\bapplication\/openmetrics-text\b/.test(headers.accept ?? "");
    const { type, text } = await parts.metrics(wanted ? "openmetrics" : "prometheus");
    return answer.type(type).send(text);
  });
}

/** Without a word of a stranger. */
export function publicHealth({ ok, reasons, warnings }: HealthView) {
  return {
    ok,
    // Their words may hold what stands in the config file.
    warnings: warnings.length === 0 ? [] : [CONFIG_WORDS],
    reasons: reasons.map(({ code = "other", account, nextProbe }) => ({
      code,
      ...(account === undefined ? {} : { account }),
      words: WORDS[code] ?? OTHER_WORDS,
      nextProbe,
    })),
  };
}
