import { readFileSync } from "node:fs";
import { Counter, Registry } from "prom-client";
import { describe, expect, test } from "vitest";
import type { Told } from "../../../src/observe/events.ts";
import type { Readings } from "../../../src/observe/gauges.ts";
import { Metrics } from "../../../src/observe/metrics.ts";

const READINGS: Readings = {
  queue: [{ account: "portal", states: { incoming: 3, held: 0 }, oldest: 12 }],
  accounts: [
    {
      account: "portal",
      budget: { used: 42, perHour: 2000 },
      sessions: 2,
      year: { messages: 7, bytes: 700 },
      yearLimits: { messages: 1000 },
    },
    { account: "news", budget: null, sessions: 0, year: null, yearLimits: {} },
  ],
  breakers: [
    { breaker: "upstream", account: "", open: 0 },
    { breaker: "pair", account: "portal", open: 3 },
  ],
  connections: 5,
  redis: "up",
  freeDiskBytes: 1e9,
  lastDeliveredMs: undefined,
};
const ATTEMPT = {
  at: "2026-01-01T00:00:00.000Z",
  id: "1",
  account: "portal",
  sender: "a@lab.example",
  upstream: "mx",
  session: "s1",
  charged: 1,
  delay: 2,
  took: 0.2,
  recipients: ["x@example.org", "y@example.org"],
};

const newMetrics = () => new Metrics({ version: "1.2.3", node: "v20.0.0" });
const told = (fact: object) => fact as Told;

/** Samples, without comments. */
async function samples(metrics: Metrics, readings = READINGS): Promise<string[]> {
  const { text } = await metrics.text(readings, "prometheus");
  return text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
}

describe("facts", () => {
  test("are counted: accepted, refused, attempts, recipients", async () => {
    const metrics = newMetrics();
    metrics.hear(told({ event: "accepted", class: "urgent", sizeBytes: 100 }));
    metrics.hear(told({ event: "accepted", class: "bulk", sizeBytes: 11 }));
    metrics.hear(told({ event: "rejected", reply: "550 5.7.1 a@evil.example may not" }));
    metrics.hear(told({ event: "rejected", reply: "421 4.3.2 gone" }));
    metrics.hear(told({ ...ATTEMPT, event: "delivered", reply: { code: 250, text: "250 ok" } }));
    metrics.hear(told({ ...ATTEMPT, event: "deferred", reason: "x" }));
    metrics.hear(told({ ...ATTEMPT, event: "deferred", reason: "x", inDoubt: true }));
    metrics.hear(told({ ...ATTEMPT, event: "bounced", reason: "x" }));
    metrics.hear(told({ event: "bounced", by: "operator", account: null, recipients: ["z@example.org"] }));
    metrics.hear(told({ event: "expired", account: "portal", recipients: ["z@example.org"] }));
    metrics.replied(3);
    expect(await samples(metrics)).toEqual(
      expect.arrayContaining([
        'sluice_accepted_total{class="urgent"} 1',
        'sluice_accepted_total{class="bulk"} 1',
        "sluice_accepted_bytes_total 111",
        'sluice_rejected_total{code="550 5.7.1"} 1',
        'sluice_rejected_total{code="421 4.3.2"} 1',
        'sluice_attempts_total{account="portal",outcome="delivered"} 1',
        'sluice_attempts_total{account="portal",outcome="deferred"} 1',
        'sluice_attempts_total{account="portal",outcome="in_doubt"} 1',
        'sluice_attempts_total{account="portal",outcome="bounced"} 1',
        "sluice_delivered_recipients_total 2",
        'sluice_given_up_recipients_total{account="portal"} 3',
        'sluice_given_up_recipients_total{account="unassigned"} 1',
        'sluice_accept_seconds_bucket{le="0.0025"} 0',
        'sluice_accept_seconds_bucket{le="0.005"} 1',
        "sluice_delivery_seconds_sum 2",
        "sluice_attempt_seconds_count 4",
      ]),
    );
  });

  test("bring no stranger's words into a label", async () => {
    const metrics = newMetrics();
    for (let n = 0; n < 100; n++) metrics.hear(told({ event: "rejected", reply: `${n} x@evil.example` }));
    const refused = (await samples(metrics)).filter((line) => line.startsWith("sluice_rejected"));
    expect(refused).toEqual(['sluice_rejected_total{code="other"} 100']);
  });
});

describe("readings", () => {
  test("are shown as they are, and what is not known is not shown", async () => {
    const lines = await samples(newMetrics());
    expect(lines).toEqual(
      expect.arrayContaining([
        'sluice_queue_messages{account="portal",state="incoming"} 3',
        'sluice_queue_oldest_seconds{account="portal"} 12',
        'sluice_budget_used{account="portal"} 42',
        'sluice_budget_limit{account="portal"} 2000',
        'sluice_sessions{account="news"} 0',
        'sluice_breaker_open{breaker="pair",account="portal"} 3',
        'sluice_usage_year_messages{account="portal"} 7',
        'sluice_usage_year_messages_limit{account="portal"} 1000',
        "sluice_connections 5",
        "sluice_redis_up 1",
        "sluice_config_reload_success 1",
        'sluice_build_info{version="1.2.3",node="v20.0.0"} 1',
      ]),
    );
    const known = (name: string) => lines.filter((line) => line.startsWith(name));
    expect(known('sluice_budget_used{account="news"')).toEqual([]);
    expect(known("sluice_usage_year_bytes_limit")).toEqual([]);
    expect(known("sluice_last_delivered_timestamp_seconds")).toEqual([]);
  });

  test("that are gone are shown no more", async () => {
    const metrics = newMetrics();
    await samples(metrics, { ...READINGS, lastDeliveredMs: 5000 });
    const lines = await samples(metrics, { ...READINGS, queue: [], accounts: [], redis: "down" });
    expect(lines).toContain("sluice_redis_up 0");
    expect(lines.filter((line) => /^sluice_(queue|budget|sessions|last_delivered)/.test(line))).toEqual([]);
  });

  test("say what became of the last reload", async () => {
    const metrics = newMetrics();
    metrics.setReload("refused");
    expect(await samples(metrics)).toContain("sluice_config_reload_success 0");
    metrics.setReload("done");
    expect(await samples(metrics)).toContain("sluice_config_reload_success 1");
  });
});

describe("the OpenMetrics form", () => {
  test("names a counter's family without _total, ends with # EOF, and changes nothing in the other form", async () => {
    const metrics = newMetrics();
    metrics.hear(told({ event: "accepted", class: "bulk", sizeBytes: 1 }));
    const before = await samples(metrics);
    const { type, text } = await metrics.text(READINGS, "openmetrics");
    expect(type).toBe("application/openmetrics-text; version=1.0.0; charset=utf-8");
    expect(text).toContain("# TYPE sluice_accepted counter\nsluice_accepted_total{");
    expect(text).toContain("# TYPE sluice_accept_seconds histogram\n");
    expect(text).not.toMatch(/^# \w+ \S+_total .*counter/m);
    expect(text).not.toContain("\n\n");
    expect(text.endsWith("\n# EOF\n")).toBe(true);
    expect((await samples(metrics)).filter((line) => line.startsWith("sluice"))).toEqual(
      before.filter((line) => line.startsWith("sluice")),
    );
  });

  test("is made by us, as prom-client's counters keep the short name once its registry made it", async () => {
    const registry = new Registry();
    new Counter({ name: "things_total", help: "x", registers: [registry] });
    registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE as never);
    await registry.metrics();
    registry.setContentType(Registry.PROMETHEUS_CONTENT_TYPE as never);
    expect(await registry.metrics()).toContain("\nthings 0");
  });
});

describe("what is written about the metrics", () => {
  const { list } = newMetrics();
  const ours = list.map(({ name }) => name);
  const read = (path: string) => readFileSync(path, "utf8");
  /** The metrics that a text names; a histogram's series count as it. */
  const named = (text: string) =>
    new Set(
      [...text.matchAll(/\b(?:sluice|process)_[a-z_]+/g)].map(([name]) =>
        ours.includes(name) ? name : name.replace(/_(?:bucket|sum|count)$/, ""),
      ),
    );

  test("docs/metrics.md has a row for each, and for no other", () => {
    const rows = [...read("docs/metrics.md").matchAll(/^\| `([a-z_]+)(?:\{[^}]*\})?` \|/gm)].map(
      ([, name]) => name,
    );
    expect(rows.filter((name) => name?.startsWith("sluice_")).sort()).toEqual(
      ours.filter((name) => name.startsWith("sluice_")).sort(),
    );
  });

  test("every metric that docs/metrics.md and the dashboard name is there", () => {
    for (const path of ["docs/metrics.md", "config/grafana-dashboard.json"]) {
      const names = [...named(read(path))];
      expect(names.length).toBeGreaterThan(15);
      expect(names.filter((name) => !ours.includes(name))).toEqual([]);
    }
  });

  test("the labels in docs/metrics.md are those of the metric", () => {
    const text = read("docs/metrics.md");
    for (const [, name, labels] of text.matchAll(/^\| `(sluice_[a-z_]+)(?:\{([^}]*)\})?` \|/gm)) {
      expect({ name, labels: labels?.split(", ") ?? [] }).toEqual(list.find((one) => one.name === name));
    }
  });

  test("the dashboard's panels have a title, a place of their own and the data source that is chosen", () => {
    const { panels, templating } = JSON.parse(read("config/grafana-dashboard.json"));
    expect(templating.list[0]).toMatchObject({ type: "datasource", name: "datasource" });
    for (const panel of panels) {
      expect(panel.title).not.toBe("");
      expect(panel.datasource.uid).toMatch(/^\$\{datasource\}$/);
      expect(panel.gridPos.x + panel.gridPos.w).toBeLessThanOrEqual(24);
    }
    const places = panels.map(({ gridPos: { x, y } }: { gridPos: { x: number; y: number } }) => `${x} ${y}`);
    expect(new Set(places).size).toBe(panels.length);
    const ids = panels.map(({ id }: { id: number }) => id);
    expect(new Set(ids).size).toBe(panels.length);
  });
});
