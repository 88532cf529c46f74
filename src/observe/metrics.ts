/**
 * The metrics: what happened, counted from the facts as they are told, and how things stand, read when they are asked.
 *
 * Promises: a registry of its own; labels are few and of the config's making (account, class, state, outcome, breaker,
 * reply code): no address, id or user ever stands in one. Counting costs a microsecond, after the reply to the client.
 * prom-client's own process metrics are among them, except those of the event loop and the garbage collector: their
 * timers cost an idle process 0.3 % of a processor.
 * Refuses to read anything by itself: who asks brings the readings (gauges.ts).
 */
import { Counter, Histogram, Registry } from "prom-client";
import addMemory from "prom-client/lib/metrics/osMemoryHeap.js";
import addCpu from "prom-client/lib/metrics/processCpuTotal.js";
import addMostFiles from "prom-client/lib/metrics/processMaxFileDescriptors.js";
import addOpenFiles from "prom-client/lib/metrics/processOpenFileDescriptors.js";
import addStartTime from "prom-client/lib/metrics/processStartTime.js";
import type { Told } from "./events.ts";
import { Gauges, type Readings } from "./gauges.ts";

const PROCESS_METRICS = [addCpu, addStartTime, addMemory, addOpenFiles, addMostFiles];

/** From a local disk's sync to a listener in trouble. */
const ACCEPT_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];
/** From at once to days: what waits for the hour's budget, or for an upstream that is down. */
const DELIVERY_BUCKETS = [0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 14_400, 43_200, 86_400, 345_600];
/** RFC 5321 §4.5.3.2.6: ten minutes for the reply to the final dot. */
const ATTEMPT_BUCKETS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 600];

/** The name that stands for "no account": no account of the config can have it. */
export const NO_ACCOUNT = "unassigned";

export class Metrics {
  readonly #registry = new Registry();
  readonly #gauges: Gauges;
  readonly #accepted = this.#counter("sluice_accepted_total", "Messages taken into custody.", ["class"]);
  readonly #acceptedBytes = this.#counter(
    "sluice_accepted_bytes_total",
    "Bytes of the messages taken into custody.",
  );
  readonly #rejected = this.#counter(
    "sluice_rejected_total",
    "Refusals at the listener, by reply code and enhanced status code.",
    ["code"],
  );
  readonly #attempts = this.#counter(
    "sluice_attempts_total",
    "Outcomes of attempts at the upstream; recipients with the same answer in one attempt count once.",
    ["account", "outcome"],
  );
  readonly #deliveredRecipients = this.#counter(
    "sluice_delivered_recipients_total",
    "Recipients whose mail the upstream took.",
  );
  readonly #givenUp = this.#counter(
    "sluice_given_up_recipients_total",
    "Recipients who were given up: bounced, expired, or bounced by an operator.",
    ["account"],
  );
  readonly #accept = this.#histogram(
    "sluice_accept_seconds",
    "From the final dot to 250, of messages that were taken.",
    ACCEPT_BUCKETS,
  );
  readonly #delivery = this.#histogram(
    "sluice_delivery_seconds",
    "From the acceptance of a message to its delivery.",
    DELIVERY_BUCKETS,
  );
  readonly #attempt = this.#histogram(
    "sluice_attempt_seconds",
    "From MAIL to the last reply of an attempt at the upstream.",
    ATTEMPT_BUCKETS,
  );

  constructor(about: { readonly version: string; readonly node: string }) {
    this.#gauges = new Gauges(this.#registry, about);
    for (const add of PROCESS_METRICS) add(this.#registry);
  }

  /** Counts a fact. */
  hear(told: Told): void {
    switch (told.event) {
      case "accepted":
        this.#accepted.inc({ class: told.class });
        this.#acceptedBytes.inc(told.sizeBytes);
        break;
      case "rejected":
        this.#rejected.inc({ code: codeOf(told.reply) });
        break;
      case "delivered":
        this.#deliveredRecipients.inc(told.recipients.length);
        this.#delivery.observe(told.delay);
        break;
      case "bounced":
      case "expired":
        this.#givenUp.inc({ account: told.account ?? NO_ACCOUNT }, told.recipients.length);
        break;
    }
    if (!("session" in told)) return;
    const outcome = told.inDoubt ? "in_doubt" : told.event;
    this.#attempts.inc({ account: told.account ?? NO_ACCOUNT, outcome });
    if (told.took !== undefined) this.#attempt.observe(told.took);
  }

  /** A client waited so long for its 250. */
  replied(waitedMs: number): void {
    this.#accept.observe(waitedMs / 1000);
  }

  /** What became of the last reload of the config. */
  setReload(outcome: "done" | "refused"): void {
    this.#gauges.setReload(outcome);
  }

  /** Text for Prometheus, or in the OpenMetrics form; the type to be sent with it. */
  async text(
    readings: Readings,
    form: "prometheus" | "openmetrics",
  ): Promise<{ readonly type: string; readonly text: string }> {
    this.#gauges.set(readings);
    const text = await this.#registry.metrics();
    return form === "prometheus"
      ? { type: Registry.PROMETHEUS_CONTENT_TYPE, text }
      : { type: Registry.OPENMETRICS_CONTENT_TYPE, text: openMetrics(text) };
  }

  /** Every metric, with its labels: what documents and dashboards are held against. */
  get list(): readonly { readonly name: string; readonly labels: readonly string[] }[] {
    return this.#registry.getMetricsAsArray().map((metric) => {
      const { labelNames = [] } = metric as { labelNames?: readonly string[] };
      return { name: metric.name, labels: labelNames };
    });
  }

  #counter<T extends string>(name: string, help: string, labelNames: readonly T[] = []): Counter<T> {
    return new Counter({ name, help, labelNames, registers: [this.#registry] });
  }

  #histogram(name: string, help: string, buckets: number[]): Histogram {
    return new Histogram({ name, help, buckets, registers: [this.#registry] });
  }
}

/** `550 5.7.1`; all of it is of our own making. */
function codeOf(reply: string): string {
  return /^\d{3} \d\.\d{1,3}\.\d{1,3}/.exec(reply)?.[0] ?? "other";
}

/**
 * The same in the OpenMetrics form: a counter's family is named without `_total`, and there is an end. The registry can
 * do it itself, but once it did, its counters keep the short name in the other form too.
 */
function openMetrics(text: string): string {
  const lines = text.split("\n").filter((line) => line !== "");
  const counters = new Set(lines.flatMap((line) => /^# TYPE (\S+)_total counter$/.exec(line)?.[1] ?? []));
  const renamed = lines.map((line) =>
    line.replace(/^(# (?:TYPE|HELP) )(\S+)_total /, (whole, start, name) =>
      counters.has(name) ? `${start}${name} ` : whole,
    ),
  );
  return `${renamed.join("\n")}\n# EOF\n`;
}
