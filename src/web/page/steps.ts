/**
 * Draws the life of a message: a step a line, what was said underneath.
 */
import { el, time } from "./dom.ts";
import type { Step } from "./life.ts";

export function stepList(steps: readonly Step[]): HTMLElement {
  return el("ol", { class: "steps" }, ...steps.map(stepItem));
}

function stepItem({ at, what, tone, words, verbatim }: Step): HTMLElement {
  return el(
    "li",
    { class: `step tone-${tone}` },
    el("div", { class: "line" }, el("strong", {}, what), el("span", { class: "words" }, words), time(at)),
    ...verbatim.map(({ who, reply }) =>
      el("p", { class: "verbatim" }, who === "" ? null : el("span", { class: "muted" }, `${who}: `), reply),
    ),
  );
}
