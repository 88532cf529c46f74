/**
 * What a search found: one entry a message, newest first, refused ones as easily as delivered ones.
 */
import { type Story, trace } from "./api.ts";
import { byId, el, Region, setText, time } from "./dom.ts";
import { count, date, number, several } from "./format.ts";
import { stepsOfFacts, toneOf, wordFor } from "./life.ts";
import { hashOf } from "./route.ts";
import { stepList } from "./steps.ts";

const MOST_FOUND = 50;
const FEW = 3;

const results = new Region(byId("found-list"), drawStories);
let asked = 0;

/** A few are shown whole; of many, the last reply is enough to choose by. */
function drawStories(stories: readonly Story[]): HTMLElement[] {
  return stories.map((story) => storyItem(story, stories.length <= FEW ? "whole" : "last reply"));
}

/** Looks, and shows it; rejects when it cannot look. */
export async function showSearch(term: string): Promise<void> {
  const mine = ++asked;
  setText(byId("found-term"), term);
  const { messages, more, from } = await trace(term, MOST_FOUND);
  if (mine !== asked) return;
  results.show(messages);
  setText(
    byId("found-words"),
    messages.length === 0 ? nothingWords(from) : foundWords(messages.length, more),
  );
}

function foundWords(found: number, more: boolean): string {
  return more
    ? `The latest ${number(found)}; a queue id or a Message-ID finds a single one.`
    : count(found, "message");
}

function nothingWords(from: string | null): string {
  const since = from === null ? "The journal is empty." : `The journal goes back to ${date(from)}.`;
  return `Nothing known: a queue id, a Message-ID or a whole address finds mail. ${since} What never reached sluice is not in it.`;
}

/** Forgets what was asked: a late answer is not shown. */
export function leaveSearch(): void {
  asked++;
  results.clear();
  setText(byId("found-words"), "Looking…");
}

function storyItem(story: Story, shown: "whole" | "last reply"): HTMLElement {
  const { id, state, sender, recipients, messageId, subject, user, facts } = story;
  const who = `${sender === null || sender === "" ? "<>" : sender} → ${several(recipients, 3) || "nobody yet"}`;
  const first = facts[0]?.at;
  const steps = stepsOfFacts(facts);
  const reply = steps.flatMap(({ verbatim }) => verbatim).at(-1)?.reply;
  return el(
    "li",
    { class: "card story" },
    el(
      "div",
      { class: "line" },
      el("span", { class: `badge tone-${toneOf(state)}` }, wordFor(state)),
      el("span", { class: "who" }, who),
      id === null ? null : el("a", { href: hashOf({ view: "message", id }), class: "id" }, id),
      first === undefined ? null : time(first),
    ),
    el(
      "p",
      { class: "muted small" },
      [subject ?? "", user === null ? "" : `user ${user}`, messageId ?? ""].filter(Boolean).join(" · "),
    ),
    shown === "whole" || reply === undefined ? null : el("p", { class: "verbatim" }, reply),
    el(
      "details",
      { open: shown === "whole" },
      el("summary", {}, count(facts.length, "fact")),
      stepList(steps),
    ),
  );
}
