// Lay one picture over the other, with a line between them that can be moved.

export class Wipe {
  #uses = 0;

  constructor(stage) {
    this.stage = stage;
    this.slider = stage.querySelector("[data-wipe-slider]");
    this.button = stage.querySelector("[data-action=wipe]");
    this.slider?.addEventListener("input", () => this.#show());
    this.#show();
  }

  toggle() {
    if (!this.slider) return;
    const on = this.stage.toggleAttribute("data-wipe");
    if (on) this.#uses += 1;
    this.slider.hidden = !on;
    this.button.setAttribute("aria-pressed", String(on));
  }

  facts() {
    return { wipes: this.#uses };
  }

  #show() {
    if (this.slider) this.stage.style.setProperty("--wipe", `${this.slider.value}%`);
  }
}
