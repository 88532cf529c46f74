/**
 * The queue now: by state, as counts that filter the table, and by program, of the rows that are shown.
 */
import type { Overview, QueueRow, ShownState } from "./api.ts";
import { byId, el, KeyedList, type Row, setAttribute, setText } from "./dom.ts";
import { filterBy } from "./filters.ts";
import { count, number } from "./format.ts";
import { toneOf } from "./life.ts";

const MOST_PROGRAMS = 6;
const WORDS: Readonly<Record<ShownState, string>> = {
  incoming: "has not been tried yet",
  active: "in a session now",
  deferred: "to be tried again",
  held: "parked until released",
  bounced: "given up, kept for a while",
};

interface Share {
  readonly name: string;
  readonly by: "user" | "sender";
  readonly messages: number;
  readonly ofRows: number;
}

const states = new KeyedList(
  byId("states"),
  ({ state }: { state: ShownState; n: number }) => state,
  stateRow,
);
const programs = new KeyedList(byId("programs"), ({ by, name }: Share) => `${by} ${name}`, programRow);

export function showStates({ queue }: Overview): void {
  const order = Object.keys(WORDS) as ShownState[];
  states.show(order.map((state) => ({ state, n: queue.states[state] })));
}

/** By local user; by envelope sender where the user is not known. */
export function showPrograms(rows: readonly QueueRow[]): void {
  const shares = new Map<string, { name: string; by: Share["by"]; messages: number }>();
  for (const { user, sender } of rows) {
    const [by, name] = user === null ? (["sender", sender] as const) : (["user", user] as const);
    const share = shares.get(`${by} ${name}`) ?? { name, by, messages: 0 };
    shares.set(`${by} ${name}`, { ...share, messages: share.messages + 1 });
  }
  const most = [...shares.values()].sort((a, b) => b.messages - a.messages).slice(0, MOST_PROGRAMS);
  programs.show(most.map((share) => ({ ...share, ofRows: rows.length })));
  const others = shares.size > MOST_PROGRAMS ? `, ${number(shares.size - MOST_PROGRAMS)} more not shown` : "";
  setText(
    byId("programs-words"),
    rows.length === 0
      ? "No program has mail waiting."
      : `of the ${count(rows.length, "message")} in the table${others}`,
  );
}

function stateRow({ state }: { state: ShownState }): Row<{ n: number }> {
  const n = el("span", { class: "n" });
  const button = el(
    "button",
    { type: "button", "aria-label": `Show what is ${state}` },
    el("span", { class: `dot tone-${toneOf(state)}`, "aria-hidden": "true" }),
    el("span", { class: "name" }, state),
    el("span", { class: "muted small words" }, WORDS[state]),
    n,
  );
  button.addEventListener("click", () => filterBy("state", state));
  const update = (item: { n: number }) => {
    setText(n, number(item.n));
    button.classList.toggle("none", item.n === 0);
  };
  return { element: el("li", {}, button), update };
}

function programRow({ name, by }: Share): Row<Share> {
  const n = el("span", { class: "n" });
  const filled = el("span", { class: "filled" });
  const button = el(
    "button",
    { type: "button", title: `Show what ${by} ${name} has in the queue` },
    el("span", { class: "name" }, name === "" ? "<>" : name),
    el("span", { class: "muted small words" }, by),
    n,
  );
  button.addEventListener("click", () => filterBy(by, name));
  const bar = el("div", { class: "bar thin", "aria-hidden": "true" }, filled);
  const update = ({ messages, ofRows }: Share) => {
    setText(n, number(messages));
    filled.style.width = `${((messages / ofRows) * 100).toFixed(1)}%`;
    setAttribute(button, "aria-label", `${by} ${name}: ${count(messages, "message")}. Show them.`);
  };
  return { element: el("li", {}, button, bar), update };
}
