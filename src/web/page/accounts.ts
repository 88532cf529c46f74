/**
 * The accounts: how much of the hour's budget is used, sessions, breaker, and the year in a word.
 */
import type { AccountOverview } from "./api.ts";
import { byId, el, KeyedList, type Row, setAttribute, setText } from "./dom.ts";
import { count, number, percent } from "./format.ts";

/** A breaker in words that need no electrician. */
const STATES = {
  closed: { text: "✓ sends", tone: "good" },
  probing: { text: "◌ being tried", tone: "waits" },
  open: { text: "✕ stopped", tone: "bad" },
} as const;

const list = new KeyedList(byId("accounts-list"), ({ name }: AccountOverview) => name, row);

export function showAccounts(accounts: readonly AccountOverview[]): void {
  list.show(accounts);
}

function row(): Row<AccountOverview> {
  const name = el("strong", { class: "name" });
  const state = el("span", {});
  const filled = el("span", { class: "filled" });
  const bar = el("div", { class: "bar", role: "meter", "aria-valuemin": 0 }, filled);
  const budget = el("span", {});
  const rest = el("span", { class: "muted" });
  const element = el(
    "li",
    { class: "account" },
    el("div", { class: "line" }, name, state),
    bar,
    el("div", { class: "line small" }, budget, rest),
  );
  const update = (account: AccountOverview) => {
    setText(name, account.name);
    setText(state, STATES[account.state].text);
    setAttribute(state, "class", `badge tone-${STATES[account.state].tone}`);
    setText(budget, budgetWords(account));
    setText(rest, restWords(account));
    fill({ bar, filled }, account);
  };
  return { element, update };
}

function budgetWords({ budget }: AccountOverview): string {
  if (budget === null) return "unlimited, or Redis is away";
  const used = `${number(budget.used)} of ${number(budget.perHour)} this hour`;
  return budget.used > budget.perHour ? `${used}: over the cap` : used;
}

function restWords({ sessions, year }: AccountOverview): string {
  const limited = year && (year.messages.limit !== null ? year.messages : year.bytes);
  const share = limited?.limit ? ` · ${percent(limited.used, limited.limit)} of the year` : "";
  return `${count(sessions, "session")}${share}`;
}

function fill(
  { bar, filled }: { bar: HTMLElement; filled: HTMLElement },
  { name, budget }: AccountOverview,
): void {
  const share = budget === null || budget.perHour <= 0 ? 0 : budget.used / budget.perHour;
  bar.classList.toggle("none", budget === null);
  bar.classList.toggle("tight", share >= 0.9 && share <= 1);
  bar.classList.toggle("over", share > 1);
  setAttribute(bar, "aria-label", `Budget of ${name} used`);
  setAttribute(bar, "aria-valuemax", budget?.perHour ?? 1);
  setAttribute(bar, "aria-valuenow", Math.min(budget?.used ?? 0, budget?.perHour ?? 1));
  setAttribute(bar, "aria-valuetext", budgetWords({ budget } as AccountOverview));
  filled.style.width = `${Math.min(100, share * 100).toFixed(1)}%`;
}
