/**
 * One message of the queue as a row: which, from whom to whom, how it stands, when it goes, why it waits.
 */
import type { QueueRow } from "./api.ts";
import { el, type Row, setAttribute, setText } from "./dom.ts";
import { bytes, fullTime, several, span, when } from "./format.ts";
import { toneOf } from "./life.ts";
import { hashOf } from "./route.ts";

export function queueRow({ id }: QueueRow): Row<QueueRow> {
  const badge = el("span", {});
  const age = el("span", { class: "muted small" });
  const sender = el("span", { class: "sender" });
  const recipients = el("span", { class: "recipients" });
  const facts = el("span", { class: "muted small" });
  const next = el("time", {});
  const why = el("td", { class: "why" });
  const link = el("a", { href: hashOf({ view: "message", id }), class: "id" }, id);
  const element = el(
    "tr",
    {},
    el("td", { class: "state" }, badge, age),
    el("td", { class: "which" }, link, facts),
    el("td", { class: "who" }, sender, recipients),
    el("td", { class: "next" }, next),
    why,
  );
  const update = (row: QueueRow) => {
    setText(badge, row.state);
    setAttribute(badge, "class", `badge tone-${toneOf(row.state)}`);
    setText(age, span(row.age));
    setText(sender, row.sender === "" ? "<> (a notice)" : row.sender);
    setText(recipients, `→ ${several(row.recipients, 2)}`);
    setText(
      facts,
      [bytes(row.size), row.account ?? "no account", row.user ?? ""].filter(Boolean).join(" · "),
    );
    setText(next, row.nextAttempt === null ? "–" : when(row.nextAttempt));
    setAttribute(next, "datetime", row.nextAttempt);
    setAttribute(next, "title", row.nextAttempt === null ? null : fullTime(row.nextAttempt));
    setText(why, row.reason ?? (row.state === "active" ? "in a session now" : "its turn comes"));
  };
  return { element, update };
}
