/**
 * One message's life: its envelope, what policy changed and why, each attempt with the upstream's words, what to do.
 *
 * Promises: in the queue it is told from its file, afterwards from the journal; a refresh draws only what changed.
 */
import { message, type QueueDetail, type Story, trace } from "./api.ts";
import { ask } from "./ask.ts";
import { byId, type Child, el, Region, setAttribute, setText, time } from "./dom.ts";
import { bytes, fullTime, when } from "./format.ts";
import { stepsOfDetail, stepsOfFacts, toneOf, wordFor } from "./life.ts";
import { hashOf } from "./route.ts";
import { stepList } from "./steps.ts";
import { QUESTIONS, verbsFor } from "./verbs.ts";

type Shown = { readonly detail: QueueDetail } | { readonly story: Story } | { readonly unknown: string };

const parts = {
  summary: new Region(byId("message-summary"), summary, standing),
  actions: new Region(byId("message-actions"), actions, question),
  facts: new Region(byId("message-facts"), facts, lasting),
  changes: new Region(byId("message-changes"), changes, lasting),
  life: new Region(byId("message-life"), life, lasting),
};
let asked = 0;
let inQueue = false;

/** How it stands: what changes while it waits. */
function standing(shown: Shown): unknown {
  if (!("detail" in shown)) return shown;
  const { state, reason, nextAttempt } = shown.detail;
  return { state, reason, nextAttempt };
}

/** What is asked before an action. */
function question(shown: Shown): unknown {
  if (!("detail" in shown)) return {};
  const { id, sender, recipients } = shown.detail;
  return { id, sender, recipients, verbs: verbsFor(shown.detail) };
}

/** All but how it stands. */
function lasting(shown: Shown): unknown {
  if (!("detail" in shown)) return shown;
  const { age: _, state: _state, reason: _reason, nextAttempt: _next, ...rest } = shown.detail;
  return rest;
}

/** Looks, and shows it; rejects when it cannot look. */
export async function showMessage(id: string): Promise<void> {
  const mine = ++asked;
  const shown = await look(id);
  if (mine !== asked) return;
  inQueue = "detail" in shown;
  const state = "detail" in shown ? shown.detail.state : "story" in shown ? shown.story.state : "unknown";
  setText(byId("message-id"), id);
  setText(byId("message-state"), wordFor(state));
  setAttribute(byId("message-state"), "class", `badge tone-${toneOf(state)}`);
  for (const part of Object.values(parts)) part.show(shown);
  byId("message-parts").hidden = "unknown" in shown;
}

/** Is what is shown still in the queue, so that it may change? */
export function isInQueue(): boolean {
  return inQueue;
}

/** Forgets what was asked: a late answer is not shown. */
export function leaveMessage(): void {
  asked++;
  inQueue = false;
  for (const part of Object.values(parts)) part.clear();
  setText(byId("message-id"), "");
  setText(byId("message-state"), "");
}

async function look(id: string): Promise<Shown> {
  const detail = await message(id);
  if (detail) return { detail };
  const { messages } = await trace(id, 5);
  const story = messages.find((one) => one.id === id) ?? messages[0];
  return story ? { story } : { unknown: id };
}

function summary(shown: Shown): Child[] {
  if ("unknown" in shown) {
    const why =
      "It is not in the queue, and the journal knows nothing of it: is the id right, or is it older than keep.history?";
    return [el("p", {}, why)];
  }
  if ("story" in shown)
    return [el("p", {}, "It is not in the queue any more. This is what the journal tells.")];
  const { detail } = shown;
  const next =
    detail.nextAttempt === null ? null : el("span", {}, " Expected ", time(detail.nextAttempt), ".");
  const why = detail.reason ?? (detail.state === "active" ? "It is in a session now" : "Its turn comes");
  return [
    el(
      "p",
      { class: `why tone-${toneOf(detail.state)}` },
      detail.state === "held" ? `Held: ${why}.` : sentence(why),
      next,
    ),
  ];
}

function sentence(words: string): string {
  const isWord = /^[a-z]+('s)?[ ,]/.test(words); // not an address, not a reply
  const whole = isWord ? words.charAt(0).toUpperCase() + words.slice(1) : words;
  return /[.!?]$/.test(whole) ? whole : `${whole}.`;
}

function actions(shown: Shown): Child[] {
  if (!("detail" in shown)) return [];
  const { detail } = shown;
  return verbsFor(detail).map((verb) => {
    const { label, isFinal } = QUESTIONS[verb];
    const button = el(
      "button",
      { type: "button", class: isFinal ? "final" : "", "data-verb": verb },
      `${label}…`,
    );
    button.addEventListener("click", () => ask(verb, detail));
    return button;
  });
}

function facts(shown: Shown): Child[] {
  if ("detail" in shown) return detailFacts(shown.detail);
  if (!("story" in shown)) return [];
  return storyFacts(shown.story);
}

function storyFacts(story: Story): Child[] {
  const { sender, from, recipients, account, user, messageId, subject, notice, notices } = story;
  return [
    ...fact("Subject", subject),
    ...fact("Envelope sender", sender === "" ? "<>" : sender),
    ...fact("From", from),
    ...fact(recipients.length === 1 ? "Recipient" : "Recipients", recipients.join(", ")),
    ...fact("Account", account),
    ...fact("Local user", user),
    ...fact("Message-ID", messageId),
    ...fact(
      "Is a notice",
      notice?.of ? el("span", {}, `${notice.kind}, about `, linkTo(notice.of)) : notice?.kind,
    ),
    ...(notices ?? []).flatMap(({ id, kind }) => fact("Notice", el("span", {}, `${kind}, `, linkTo(id)))),
  ];
}

function linkTo(id: string): HTMLElement {
  return el("a", { href: hashOf({ view: "message", id }), class: "id" }, id);
}

function detailFacts(detail: QueueDetail): Child[] {
  const { received, envelope, client } = detail;
  return [
    ...fact(
      "Envelope sender",
      became(received.sender ?? "<>", envelope.sender === "" ? "<>" : envelope.sender),
    ),
    ...fact("From", became(received.from, detail.from)),
    ...fact(
      envelope.recipients.length === 1 ? "Recipient" : "Recipients",
      el(
        "ul",
        { class: "plain" },
        ...envelope.recipients.map(({ address, state }) =>
          el("li", {}, address, el("span", { class: `badge tone-${toneOf(state)}` }, state)),
        ),
      ),
    ),
    ...fact(
      "Accepted",
      el(
        "time",
        { datetime: detail.acceptedAt, title: fullTime(detail.acceptedAt) },
        when(detail.acceptedAt),
      ),
    ),
    ...fact(
      "Program",
      `${detail.user === null ? "" : `user ${detail.user}, `}${client.ip}, ${client.protocol} as ${client.helo}`,
    ),
    ...fact("Account", `${detail.account ?? "none"}, ${detail.class}`),
    ...fact("Size", bytes(detail.size)),
    ...fact("Message-ID", detail.messageId),
  ];
}

function became(was: string, is: string): Child {
  if (was === is) return is;
  return el("span", {}, el("del", {}, was || "(none)"), " → ", el("ins", {}, is));
}

function fact(name: string, value: Child): Child[] {
  return value === null || value === undefined || value === ""
    ? []
    : [el("dt", {}, name), el("dd", {}, value)];
}

function changes(shown: Shown): Child[] {
  if (!("detail" in shown)) {
    const accepted = "story" in shown && shown.story.facts.find((one) => one.event === "accepted");
    return [
      el("p", {}, accepted ? `Rule: ${accepted.rule}.` : "The journal does not tell; the file is gone."),
    ];
  }
  const { rule, why, changes: made } = shown.detail;
  return [
    el("p", {}, `${sentence(why)} `, el("span", { class: "muted" }, `Rule: ${rule}.`)),
    made.length === 0
      ? el("p", { class: "muted" }, "Nothing was changed.")
      : el("ul", { class: "changes" }, ...made.map(changeItem)),
  ];
}

function changeItem({ field, was, now, why }: QueueDetail["changes"][number]): HTMLElement {
  return el(
    "li",
    {},
    el("strong", {}, field),
    was === undefined ? null : el("del", {}, was),
    now === undefined ? el("span", { class: "muted" }, "removed") : el("ins", {}, now),
    el("span", { class: "muted small" }, why),
  );
}

function life(shown: Shown): Child[] {
  if ("detail" in shown) return [stepList(stepsOfDetail(shown.detail))];
  return "story" in shown ? [stepList(stepsOfFacts(shown.story.facts))] : [];
}
