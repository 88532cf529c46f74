/**
 * Is mail flowing? The answer that is seen first, with the reasons when it is not, and the few figures beside it.
 *
 * Promises: what was last known is never shown as if it were now: without word from the agent, the answer is that.
 */
import type { Overview } from "./api.ts";
import { byId, el, Region, setAttribute, setText, time } from "./dom.ts";
import { count, number, span, timeOfDay } from "./format.ts";

const GLYPHS = { yes: "✓", no: "✕", unknown: "?" } as const;

const reasons = new Region(byId("flow-reasons"), reasonItems);
const figures = new Region(byId("flow-figures"), figureItems);
let last: Overview | undefined;

export function showFlow(overview: Overview): void {
  last = overview;
  const { ok } = overview.health;
  say(ok ? "yes" : "no", ok ? "Mail is flowing" : "Mail is not flowing");
  setText(byId("flow-words"), flowWords(overview));
  reasons.show(overview.health);
  figures.show(figuresOf(overview));
  setText(byId("host"), overview.hostname);
  setAttribute(byId("host"), "title", `sluice ${overview.version}, since ${overview.startedAt}`);
}

/** The agent is not to be heard. */
export function showSilence(): void {
  say("unknown", "No word from sluice");
  const since = last ? `What is shown is as of ${timeOfDay(last.now)}.` : "It may be stopped or starting.";
  setText(byId("flow-words"), `${since} Trying again; systemctl status sluice says more.`);
}

function say(flow: keyof typeof GLYPHS, verdict: string): void {
  setAttribute(byId("flow"), "data-flow", flow);
  setText(byId("flow-glyph"), GLYPHS[flow]);
  setText(byId("flow-verdict"), verdict);
  document.title = `${GLYPHS[flow]} ${verdict} – ${last?.hostname ?? "sluice"}`;
}

function flowWords({ queue: { states, oldest } }: Overview): string {
  const waiting = states.incoming + states.active + states.deferred;
  if (waiting === 0) return "Nothing waits to be sent.";
  const age = oldest === null ? "" : `, the oldest for ${span(oldest)}`;
  return `${count(waiting, "message")} on the way${age}.`;
}

/** Why not, and what else somebody should see to. */
function reasonItems({ reasons, warnings }: Overview["health"]): HTMLElement[] {
  const why = reasons.map(({ reason, nextProbe }) =>
    el(
      "li",
      {},
      reason,
      nextProbe === null
        ? null
        : el("span", { class: "probe" }, "next probe ", time(nextProbe, timeOfDay(nextProbe))),
    ),
  );
  return [...why, ...warnings.map((warning) => el("li", { class: "warning" }, warning))];
}

interface Figure {
  readonly name: string;
  readonly value: string;
  readonly of?: string;
}

function figuresOf({ hours, accounts, queue }: Overview): Figure[] {
  const hour = hours.at(-1);
  const sent = (hour?.urgent ?? 0) + (hour?.bulk ?? 0);
  const refused = hours.reduce((sum, one) => sum + one.refused, 0);
  const sessions = accounts.reduce((sum, one) => sum + one.sessions, 0);
  const { held, bounced } = queue.states;
  return [
    { name: "Sent this hour", value: number(sent), ...(hour?.cap ? { of: `of ${number(hour.cap)}` } : {}) },
    { name: "Held", value: number(held) },
    { name: "Bounced, kept", value: number(bounced) },
    { name: "Refused, 24 h", value: number(refused) },
    { name: "Sessions", value: number(sessions) },
  ];
}

function figureItems(items: readonly Figure[]): HTMLElement[] {
  return items.map(({ name, value, of }) =>
    el("div", {}, el("dt", {}, name), el("dd", {}, value, of ? el("small", {}, ` ${of}`) : null)),
  );
}
