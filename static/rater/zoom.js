// Zoom and move both pictures in step, so that the same place is compared.

const STEPS = [1, 1.5, 2, 3, 4, 6, 8];
const PAN_SHARE = 0.2;

export class Zoom {
  #index = 0;
  #most = 1;
  #x = 0;
  #y = 0;

  constructor(stage) {
    this.stage = stage;
    for (const frame of stage.querySelectorAll(".clip__frame")) this.#listen(frame);
    this.#show();
  }

  get factor() {
    return STEPS[this.#index];
  }

  step(by) {
    this.#index = Math.min(Math.max(this.#index + by, 0), STEPS.length - 1);
    this.#most = Math.max(this.#most, this.factor);
    this.#show();
  }

  reset() {
    this.#index = this.#x = this.#y = 0;
    this.#show();
  }

  /** Move the pictures by so many steps of the frame. */
  pan(x, y) {
    this.#moveBy(x * PAN_SHARE, y * PAN_SHARE);
  }

  facts() {
    return { most_zoom: this.#most };
  }

  /** In shares of the frame; what is outside of the pictures never comes into view. */
  #moveBy(x, y) {
    const most = (this.factor - 1) / 2;
    this.#x = Math.min(Math.max(this.#x + x, -most), most);
    this.#y = Math.min(Math.max(this.#y + y, -most), most);
    this.#show();
  }

  #show() {
    const { style } = this.stage;
    const most = (this.factor - 1) / 2;
    this.#x = Math.min(Math.max(this.#x, -most), most);
    this.#y = Math.min(Math.max(this.#y, -most), most);
    style.setProperty("--zoom", this.factor);
    style.setProperty("--pan-x", `${this.#x * 100}%`);
    style.setProperty("--pan-y", `${this.#y * 100}%`);
    this.stage.toggleAttribute("data-zoomed", this.factor > 1);
    const said = this.stage.querySelector("[data-zoom]");
    if (said) said.textContent = `${this.factor}×`;
  }

  #listen(frame) {
    let last = null;
    frame.addEventListener("pointerdown", (event) => {
      if (this.factor === 1) return;
      last = event;
      frame.setPointerCapture(event.pointerId);
    });
    frame.addEventListener("pointermove", (event) => {
      if (!last) return;
      this.#moveBy((event.clientX - last.clientX) / frame.clientWidth, (event.clientY - last.clientY) / frame.clientHeight);
      last = event;
    });
    for (const end of ["pointerup", "pointercancel"]) frame.addEventListener(end, () => (last = null));
    frame.addEventListener(
      "wheel",
      (event) => {
        if (!event.ctrlKey && !this.stage.hasAttribute("data-zoomed")) return;
        event.preventDefault();
        this.step(event.deltaY < 0 ? 1 : -1);
      },
      { passive: false },
    );
  }
}
