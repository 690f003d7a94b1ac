// Next: check, send, and show what the server answered without loading the page again.

import { announce } from "./announce.js";
import { focusMissing, isComplete, showMissing, showStatus } from "./answers.js";
import { dropDraft, keepDraft } from "./drafts.js";
import { showNotice } from "./notice.js";
import { send } from "./sending.js";
import { words } from "./words.js";

const PATIENCE_MILLISECONDS = 400;
const warnBeforeLeaving = (event) => event.preventDefault();

export class Submitting {
  busy = false;

  constructor(form, { gate, facts }) {
    Object.assign(this, { form, gate, facts });
    form.noValidate = true;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
  }

  async submit() {
    if (this.busy) return;
    if (!this.gate.isOpen) return this.gate.remind();
    if (!isComplete(this.form)) return this.#insist();
    this.form.elements.playback.value = JSON.stringify(this.facts());
    const outcome = await this.#whileBusy(new FormData(this.form));
    this.#show(outcome);
  }

  #insist() {
    showMissing(this.form, { insist: true });
    focusMissing(this.form);
  }

  async #whileBusy(body) {
    keepDraft(this.form, { unsent: true });
    this.#setBusy(true);
    let slow = 0;
    const onTry = () => {
      slow = setTimeout(() => showStatus(this.form, words.saving), PATIENCE_MILLISECONDS);
    };
    const onTrouble = ({ busy, seconds }) => {
      clearTimeout(slow);
      showStatus(this.form, (busy ? words.serverBusy : words.lineDown)(seconds), "bad");
    };
    try {
      return await send(this.form.action, body, { onTry, onTrouble });
    } finally {
      clearTimeout(slow);
      this.#setBusy(false);
    }
  }

  #setBusy(busy) {
    this.busy = busy;
    this.form.querySelector(".panel__body").inert = busy;
    this.#offerAgain(false);
    this.form.querySelector("[data-next]").setAttribute("aria-disabled", String(busy));
    (busy ? addEventListener : removeEventListener)("beforeunload", warnBeforeLeaving);
  }

  #show(outcome) {
    if (outcome.gaveUp) return this.#stay(words.gaveUp);
    if (outcome.fault) return this.#stay(words.serverFault);
    if (outcome.outOfDate || outcome.unreadable) {
      return showNotice(this.form, outcome.unreadable ?? words.outOfDate, location.href, words.loadAgain);
    }
    if (outcome.elsewhere) return location.assign(outcome.elsewhere);
    if (outcome.problems) return this.#swap(outcome.problems);
    dropDraft(this.form);
    if (outcome.html) return this.#swap(outcome.html, words.textShown);
    if (outcome.refused) return showNotice(this.form, outcome.refused, outcome.next);
    this.busy = true;
    showStatus(this.form, words.saved, "ok");
    location.assign(outcome.next);
  }

  /** The answer stays as it is, on the page and on this device. */
  #stay(text) {
    showStatus(this.form, text, "bad");
    this.#offerAgain(true);
    this.form.querySelector("[data-again]").focus();
  }

  #offerAgain(offered) {
    this.form.querySelector("[data-again]").hidden = !offered;
    this.form.querySelector("[data-next]").hidden = offered;
  }

  #swap(html, said) {
    const place = this.form.querySelector("[data-questions]");
    // The clips keep their size while the questions change.
    place.style.minBlockSize = `${place.offsetHeight}px`;
    place.innerHTML = html;
    this.gate.apply();
    showMissing(this.form);
    place.querySelector(said ? ".question__text" : "[data-error]")?.focus();
    if (said) announce(said);
  }
}
