// Choices stay closed until both clips were seen in full once; the reason is said beside them.

import { announce } from "./announce.js";
import { words } from "./words.js";

export class Gate {
  #text = "";

  constructor(form) {
    this.form = form;
    this.key = `juice:seen:${form.dataset.assignment}`;
    // Open from the start where the study asks for no watching, and to change an answer.
    this.isOpen = form.hasAttribute("data-open") || sessionStorage.getItem(this.key) === "yes";
    this.say(words.loading);
    document.addEventListener("load-failed", () => this.say(words.failed));
    document.addEventListener("load-tried", () => this.say(words.loading));
  }

  say(text) {
    this.#text = text;
    this.apply();
  }

  open({ quietly = false } = {}) {
    if (this.isOpen) return;
    this.isOpen = true;
    sessionStorage.setItem(this.key, "yes");
    this.apply();
    if (!quietly) announce(words.choose);
    this.form.dispatchEvent(new Event("gate-open"));
  }

  remind() {
    announce(this.#text);
  }

  /** Also after new questions came in. */
  apply() {
    for (const answer of this.form.querySelectorAll("[data-answer]")) answer.disabled = !this.isOpen;
    if (!this.isOpen) this.form.querySelector("[data-next]")?.setAttribute("aria-disabled", "true");
    for (const line of this.form.querySelectorAll("[data-gate]")) {
      line.hidden = this.isOpen;
      if (line.textContent !== this.#text) line.textContent = this.#text;
    }
  }
}
