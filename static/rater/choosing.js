// Choose a side and tick reasons without the pointer.

import { announce } from "./announce.js";
import { currentQuestion } from "./answers.js";
import { words } from "./words.js";

const labelOf = (field) => field.closest("label").querySelector("span").innerText.trim();

function set(field, checked) {
  field.checked = checked;
  field.dispatchEvent(new Event("change", { bubbles: true }));
}

export function choose(form, value) {
  const field = currentQuestion(form)?.querySelector(`[type=radio][value=${value}]`);
  if (!field) return;
  set(field, true);
  announce(words.chosen(labelOf(field)));
}

export function tick(form, digit) {
  const field = form.querySelector(`[data-digit="${digit}"]`);
  if (!field) return;
  set(field, !field.checked);
  announce(words.ticked(labelOf(field), field.checked));
}
