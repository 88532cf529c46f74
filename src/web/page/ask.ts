/**
 * Asks before an action, does it, and says what the agent answered.
 *
 * Promises: nothing is sent before the dialog is confirmed; the answer stands in the dialog's place when it was refused,
 * and in the live region when it was done.
 */
import { act, LoggedOut, type QueueRow, type Verb } from "./api.ts";
import { byId, setText } from "./dom.ts";
import { several } from "./format.ts";
import { QUESTIONS } from "./verbs.ts";

const dialog = byId<HTMLDialogElement>("ask");
const form = byId<HTMLFormElement>("ask-form");
const reason = byId<HTMLInputElement>("ask-reason");
const confirm = byId<HTMLButtonElement>("ask-confirm");
const problem = byId("ask-problem");

let asking: { readonly verb: Verb; readonly row: QueueRow } | undefined;
let onDone: (words: string) => void = () => {};
let onLoggedOut: () => void = () => {};

/** Wires the dialog; `done` gets the agent's answer in words. */
export function startAsking(to: { done: (words: string) => void; loggedOut: () => void }): void {
  onDone = to.done;
  onLoggedOut = to.loggedOut;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void send();
  });
  byId("ask-cancel").addEventListener("click", () => dialog.close());
}

export function ask(verb: Verb, row: QueueRow): void {
  const question = QUESTIONS[verb];
  asking = { verb, row };
  setText(byId("ask-title"), `${question.label}?`);
  setText(
    byId("ask-message"),
    `${row.id}: ${row.sender === "" ? "<>" : row.sender} → ${several(row.recipients, 3)}`,
  );
  setText(byId("ask-says"), question.says);
  byId("ask-reason-field").hidden = question.reason === undefined;
  setText(byId("ask-reason-label"), question.reason ?? "");
  reason.value = "";
  setText(confirm, question.label);
  confirm.classList.toggle("final", question.isFinal);
  confirm.disabled = false;
  setText(problem, "");
  dialog.showModal();
  // What cannot be undone is not a return key away.
  if (question.isFinal) byId("ask-cancel").focus();
  else if (question.reason === undefined) confirm.focus();
  else reason.focus();
}

async function send(): Promise<void> {
  if (!asking || confirm.disabled) return;
  const { verb, row } = asking;
  confirm.disabled = true;
  setText(problem, "");
  try {
    const result = await act(verb, row.id, reason.value.trim());
    dialog.close();
    const words = result.done ? `was ${wordFor(result.was)}, is ${wordFor(result.is)}` : result.why;
    onDone(`${QUESTIONS[verb].label}: ${row.id} ${words}.`);
  } catch (error) {
    confirm.disabled = false;
    setText(problem, `Not done: ${(error as Error).message}`);
    if (!(error instanceof LoggedOut)) return;
    dialog.close();
    onLoggedOut();
  }
}

function wordFor(state: string): string {
  return { pending: "waiting", gone: "deleted" }[state] ?? state;
}
