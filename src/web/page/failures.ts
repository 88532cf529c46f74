/**
 * The last failures, newest first, in the words they came in.
 */
import type { FailureOverview } from "./api.ts";
import { byId, el, KeyedList, type Row, setText, time } from "./dom.ts";
import { number, several } from "./format.ts";
import { toneOf, wordFor } from "./life.ts";
import { hashOf } from "./route.ts";

/** So many are shown before one asks for more. */
const FEW = 5;

const keyOf = ({ at, id, event, reason }: FailureOverview) => `${at} ${id} ${event} ${reason}`;
const list = new KeyedList(byId("failures-list"), keyOf, row);

const more = byId<HTMLButtonElement>("failures-more");
let known: readonly FailureOverview[] = [];
let isWhole = false;
more.addEventListener("click", () => {
  isWhole = true;
  showFailures(known);
});

export function showFailures(failures: readonly FailureOverview[]): void {
  known = failures;
  list.show(isWhole ? failures : failures.slice(0, FEW));
  more.hidden = isWhole || failures.length <= FEW;
  setText(more, `Show ${number(failures.length - FEW)} more`);
  byId("failures-empty").hidden = failures.length > 0;
}

function row({ at, event, id, sender, recipients, user, reason }: FailureOverview): Row<FailureOverview> {
  const who = `${sender === null || sender === "" ? "<>" : sender} → ${several(recipients, 2) || "nobody yet"}`;
  const term = id ?? (sender === "" ? null : sender);
  const element = el(
    "li",
    { class: `failure tone-${toneOf(event)}` },
    el(
      "div",
      { class: "line" },
      el("span", { class: `badge tone-${toneOf(event)}` }, wordFor(event)),
      el("span", { class: "who" }, who, user === null ? null : el("span", { class: "muted" }, ` · ${user}`)),
      linkTo(id, term),
      time(at),
    ),
    el("p", { class: "verbatim" }, reason),
  );
  return { element, update: () => {} };
}

/** To the message; to what is known of its sender where it never had an id. */
function linkTo(id: string | null, term: string | null): HTMLElement | null {
  if (id !== null) return el("a", { href: hashOf({ view: "message", id }), class: "id" }, id);
  return term === null
    ? null
    : el("a", { href: hashOf({ view: "search", term }), class: "small" }, "more of this sender");
}
