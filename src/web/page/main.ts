/**
 * The status page, put together: what is heard goes to the parts, the address bar says which view is shown, a few keys.
 *
 * Promises: nothing that arrives moves focus or scroll; going back finds the overview where it was left.
 */
import { showAccounts } from "./accounts.ts";
import { LoggedOut, type Overview } from "./api.ts";
import { startAsking } from "./ask.ts";
import { byId, setAttribute, setText } from "./dom.ts";
import { showFailures } from "./failures.ts";
import { offerAccounts } from "./filters.ts";
import { showFlow, showSilence } from "./flow.ts";
import { showHours } from "./hours.ts";
import { follow, type LiveFact, type LiveState } from "./live.ts";
import { isInQueue, leaveMessage, showMessage } from "./message.ts";
import { showStates } from "./programs.ts";
import { hashOf, type Route, routeOf } from "./route.ts";
import { leaveSearch, showSearch } from "./search.ts";
import { refreshWaiting, startWaiting } from "./waiting.ts";
import { showYear } from "./year.ts";

/** A restart of the agent is over sooner; then it is silence. */
const SILENCE_MS = 3000;
const LIVE_WORDS: Readonly<Record<LiveState, string>> = {
  connecting: "connecting…",
  live: "live",
  reconnecting: "reconnecting…",
  "logged out": "logged out",
};

const search = byId<HTMLInputElement>("term");
let route: Route = { view: "home" };
let homeScroll = 0;
let isLoggedOut = false;
let silence: ReturnType<typeof setTimeout> | undefined;

function onOverview(overview: Overview): void {
  endSilence();
  showFlow(overview);
  showHours(overview.hours);
  showStates(overview);
  showAccounts(overview.accounts);
  showYear(overview.accounts, overview.now);
  showFailures(overview.failures);
  offerAccounts(overview.accounts.map(({ name }) => name));
  refreshWaiting();
  if (route.view === "message" && isInQueue()) void look();
  byId("loading").hidden = true;
}

function onFact(fact: LiveFact): void {
  refreshWaiting();
  if (route.view === "message" && fact.id === route.id) void look();
}

function onState(state: LiveState): void {
  setText(byId("live"), LIVE_WORDS[state]);
  setAttribute(byId("live"), "data-live", state);
  if (state === "logged out") showLoggedOut();
  if (state === "reconnecting") {
    silence ??= setTimeout(showSilence, SILENCE_MS); // from the first loss on, however often it is tried again
  } else {
    endSilence();
  }
  if (state === "live" && route.view !== "home") void look();
}

function endSilence(): void {
  clearTimeout(silence);
  silence = undefined;
}

function showLoggedOut(): void {
  isLoggedOut = true;
  byId<HTMLDialogElement>("ask").close();
  setAttribute(document.body, "data-view", "logged-out");
  for (const id of ["flow", "home", "message", "found", "find", "loading"]) byId(id).hidden = true;
  byId("logged-out").hidden = false;
  setText(byId("live"), LIVE_WORDS["logged out"]);
  document.title = "Logged out – sluice";
}

/** What the address bar says. */
function go(): void {
  if (isLoggedOut) return;
  if (route.view === "home") homeScroll = scrollY;
  const was = route;
  route = routeOf(location.hash);
  setAttribute(document.body, "data-view", route.view);
  byId("home").hidden = route.view !== "home";
  byId("message").hidden = route.view !== "message";
  byId("found").hidden = route.view !== "search";
  for (const id of ["said", "problem"]) setText(byId(id), "");
  leaveMessage();
  leaveSearch();
  search.value = route.view === "search" ? route.term : "";
  if (route.view === "home") {
    scrollTo({ top: homeScroll });
    refreshWaiting();
    if (was.view === "message") document.querySelector<HTMLElement>(`a[href="${hashOf(was)}"]`)?.focus();
  } else {
    scrollTo({ top: 0 });
    byId(route.view === "message" ? "message-title" : "found-title").focus();
    void look();
  }
}

/** Looks again at what the view shows. */
async function look(): Promise<void> {
  try {
    if (route.view === "message") await showMessage(route.id);
    if (route.view === "search") await showSearch(route.term);
    setText(byId("problem"), "");
  } catch (error) {
    if (error instanceof LoggedOut) showLoggedOut();
    else setText(byId("problem"), (error as Error).message);
  }
}

function onKey(event: KeyboardEvent): void {
  const isTyping = event.target instanceof Element && event.target.matches("input, select, textarea");
  if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    search.focus();
    search.select();
  }
  if (event.key !== "Escape" || document.querySelector("dialog[open]")) return;
  if (event.target === search && search.value !== "") search.value = "";
  else if (route.view !== "home") location.hash = hashOf({ view: "home" });
  else (document.activeElement as HTMLElement | null)?.blur();
}

byId("find").addEventListener("submit", (event) => {
  event.preventDefault();
  const term = search.value.trim();
  if (term === "") return;
  const hash = hashOf({ view: "search", term });
  if (hash === location.hash) void look();
  else location.hash = hash;
});
addEventListener("hashchange", go);
addEventListener("keydown", onKey);
startAsking({
  done: (words) => {
    setText(byId("said"), words);
    void look();
    refreshWaiting();
  },
  loggedOut: showLoggedOut,
});
startWaiting(showLoggedOut);
go();
follow({ onOverview, onFact, onState });
