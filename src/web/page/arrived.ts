/**
 * The simulator's page: mail that arrived, newest first, and one message's head and text.
 *
 * Promises: looks every two seconds while it is in sight; text is shown as text, HTML never.
 */
import type { ArrivedMessage, ArrivedRow } from "../../sandbox/page-view.ts";
import { byId, type Child, el, KeyedList, Region, type Row, setAttribute, setText, time } from "./dom.ts";
import { bytes, count, number, plainLines, several } from "./format.ts";

const EVERY_MS = 2000;

interface ArrivedList {
  readonly rows: readonly ArrivedRow[];
  /** Of this run, those not listed included. */
  readonly total: number;
}

const rows = new KeyedList(byId("list-rows"), ({ number: n }: ArrivedRow) => String(n), listRow);
const facts = new Region(byId("message-facts"), messageFacts);
const text = new Region(byId("message-text"), messageText);

function listRow({
  number: n,
  at,
  subject,
  headerFrom,
  sender,
  recipients,
  ...row
}: ArrivedRow): Row<ArrivedRow> {
  const from = headerFrom === "" ? "no From" : `From: ${headerFrom}`;
  const element = el(
    "tr",
    {},
    el("td", {}, time(at)),
    el(
      "td",
      { class: "which" },
      el("a", { href: `#message/${n}` }, subject ?? "(no subject)"),
      el("span", { class: "muted small" }, from),
    ),
    el(
      "td",
      { class: "who" },
      el("span", { class: "sender" }, sender === "" ? "<>" : sender),
      el("span", { class: "recipients" }, `→ ${several(recipients, 2)}`),
    ),
    el("td", {}, bytes(row.sizeBytes)),
    el(
      "td",
      { class: "small" },
      el("span", { class: "id" }, row.session),
      el("span", { class: "muted" }, row.tls),
    ),
  );
  return { element, update: () => {} };
}

function showList({ rows: shown, total }: ArrivedList): void {
  rows.show(shown);
  const older = total > shown.length ? `the newest ${number(shown.length)} of ` : "";
  setText(byId("list-words"), total === 0 ? "" : `${older}${count(total, "message")}`);
  byId("list-table").hidden = shown.length === 0;
  byId("list-empty").hidden = shown.length > 0;
  setText(byId("list-empty"), "Nothing has arrived yet. What an agent delivers here appears at once.");
}

function showOne(message: ArrivedMessage): void {
  setText(byId("message-title"), message.row.subject ?? "(no subject)");
  facts.show(message);
  text.show(message);
  byId("message-head").textContent = plainLines(message.head);
}

function messageFacts({ row, attachments }: ArrivedMessage): Child[] {
  const { at, sender, recipients, headerFrom, messageId, sizeBytes, session, tls, file } = row;
  const parts = attachments.map(
    ({ name, type, sizeBytes: size }) => `${name ?? "unnamed"} (${type}, ${bytes(size)})`,
  );
  const all: [string, Child][] = [
    ["Arrived", time(at)],
    ["Envelope sender", sender === "" ? "<>" : sender],
    [recipients.length === 1 ? "Recipient" : "Recipients", recipients.join(", ")],
    ["From", headerFrom],
    ["Message-ID", messageId],
    ["Size", bytes(sizeBytes)],
    ["Session", `${session}, ${tls}`],
    ["Attachments", parts.join("; ")],
    ["File", file],
  ];
  return all
    .filter(([, value]) => value !== undefined && value !== "")
    .flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]);
}

function messageText({ text: shown, htmlBytes }: ArrivedMessage): Child[] {
  const html = htmlBytes === 0 ? null : `It has HTML of ${bytes(htmlBytes)}, which is not shown.`;
  const body = el("pre", {});
  body.textContent = plainLines(shown);
  return [
    shown === "" ? el("p", { class: "muted" }, "It has no text part.") : body,
    html === null ? null : el("p", { class: "muted small" }, html),
  ];
}

/** What the address bar says, as it stands now. */
async function look(): Promise<void> {
  const n = /^#message\/(\d+)$/.exec(location.hash)?.[1];
  const answer = await fetch(n === undefined ? "/arrived" : `/arrived/${n}`, { cache: "no-store" });
  if (n !== undefined && answer.status === 404) {
    location.hash = "#home";
    return;
  }
  const said = await answer.json();
  byId("list").hidden = n !== undefined;
  byId("message").hidden = n === undefined;
  if (n === undefined) showList(said);
  else showOne(said);
}

async function lookAgain(): Promise<void> {
  if (document.hidden) return;
  const live = await look().then(
    () => "live",
    () => "reconnecting",
  );
  setText(byId("live"), live === "live" ? "live" : "reconnecting…");
  setAttribute(byId("live"), "data-live", live);
}

addEventListener("hashchange", async () => {
  await lookAgain();
  scrollTo({ top: 0 });
  if (!byId("message").hidden) byId("message-title").focus();
});
addEventListener("keydown", ({ key }) => {
  if (key === "Escape" && location.hash.startsWith("#message")) location.hash = "#home";
});
document.addEventListener("visibilitychange", lookAgain);
setInterval(lookAgain, EVERY_MS);
void lookAgain();
