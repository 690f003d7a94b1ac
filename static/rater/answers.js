// What the form still lacks, said in words as it changes.

import { words } from "./words.js";

const questionsOf = (form) => [...form.querySelectorAll("[data-question]")];
const chosen = (question) => question.querySelector("[type=radio]:checked");
const ticked = (question) => question.querySelector("[type=checkbox]:checked");

function lackOf(question) {
  const reason = question.hasAttribute("data-needs-reason") && !ticked(question);
  if (!chosen(question)) return reason ? words.bothFor : words.choiceFor;
  return reason ? words.reasonFor : null;
}

const incomplete = (form) => questionsOf(form).filter(lackOf);

export const isComplete = (form) => incomplete(form).length === 0;

export function currentQuestion(form) {
  const questions = questionsOf(form);
  const focused = document.activeElement.closest?.("[data-question]");
  return focused ?? questions.find((question) => !chosen(question)) ?? questions.at(-1);
}

export function showMissing(form, { insist = false } = {}) {
  const parts = incomplete(form).map((question) => lackOf(question)(question.dataset.number));
  const text = parts.length ? words.missing(parts) : "";
  showStatus(form, text, insist ? "bad" : "");
  form.querySelector("[data-next]")?.setAttribute("aria-disabled", String(parts.length > 0));
}

export function showStatus(form, text, tone = "") {
  const line = form.querySelector("[data-missing]");
  if (!line) return;
  if (line.textContent !== text) line.textContent = text;
  line.dataset.tone = tone;
}

export function focusMissing(form) {
  const question = incomplete(form)[0];
  const kind = chosen(question) ? "[type=checkbox]" : "[type=radio]";
  question.querySelector(kind)?.focus();
}
