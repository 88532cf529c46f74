/**
 * The filters of the queue's table: a form that the counts and the programs set too.
 */
import { byId, el, setAttribute } from "./dom.ts";

const TYPING_MS = 250;

const form = byId<HTMLFormElement>("filters");
const reset = byId<HTMLButtonElement>("filters-reset");
const listeners: ((inMs: number) => void)[] = [];

form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("input", () => tell(TYPING_MS));
// The fields are empty when the event is over, not while it is told.
form.addEventListener("reset", () => setTimeout(() => tell(0)));

/** Calls `listener` when a filter changed, with how long to wait for more typing. */
export function onFilter(listener: (inMs: number) => void): void {
  listeners.push(listener);
}

/** What is asked for, as the API's parameters. */
export function filter(): Record<string, string> {
  const said = [...new FormData(form)].map(([name, value]) => [name, String(value).trim()]);
  return Object.fromEntries(said.filter(([, value]) => value !== ""));
}

/** Sets one filter; the others stay. */
export function filterBy(name: "state" | "user" | "sender", value: string): void {
  field(name).value = value;
  tell(0);
  byId("waiting").scrollIntoView({ block: "start" });
}

/** The accounts there are to choose from. */
export function offerAccounts(names: readonly string[]): void {
  const select = field("account") as HTMLSelectElement;
  const known = [...select.options].slice(1).map(({ value }) => value);
  if (known.join("\n") === names.join("\n")) return;
  const { value } = select;
  const items = names.map((name) => el("option", { value: name }, name));
  select.replaceChildren(select.options[0] as Node, ...items);
  select.value = names.includes(value) ? value : "";
}

function field(name: string): HTMLInputElement | HTMLSelectElement {
  return form.elements.namedItem(name) as HTMLInputElement | HTMLSelectElement;
}

function tell(inMs: number): void {
  setAttribute(reset, "hidden", Object.keys(filter()).length === 0);
  for (const listener of listeners) listener(inMs);
}
