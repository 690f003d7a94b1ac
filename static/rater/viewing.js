// The ways to view a pair other than side by side: one after the other, or in one place.

import { Pair } from "./pair.js";
import { countShown } from "./watching.js";

/** The first clip, then the second, each in the same place. */
export class OneAfterTheOther extends Pair {
  #index = 0;

  get current() {
    return [this.videos[this.#index]];
  }

  get shown() {
    return this.videos[this.#index].dataset.side;
  }

  async show(index) {
    const wasPlaying = this.playing;
    this.pause();
    this.#index = index;
    this.say("change");
    await this.seek(0);
    if (wasPlaying) await this.play();
  }

  switch() {
    return this.show(1 - this.#index);
  }

  async atEnd() {
    if (this.#index === 0) return this.show(1);
    this.say("loop");
    if (this.looping) await this.show(0);
    else this.pause();
  }
}

/** Both play in step in one place; a key changes which one is in view. */
export class InOnePlace extends Pair {
  #index = 0;

  constructor(videos) {
    super(videos);
    countShown(this);
  }

  get shown() {
    return this.videos[this.#index].dataset.side;
  }

  switch() {
    this.#index = 1 - this.#index;
    this.say("change");
  }
}

const KINDS = { simultaneous: Pair, sequential: OneAfterTheOther, toggle: InOnePlace };

export const pairFor = (stage, videos) => new KINDS[stage.dataset.viewing](videos);

/** Two pictures that are viewed in turn: which one is in view, and whether both were. */
export class Turns extends EventTarget {
  #seen = new Set(["left"]);
  shown = "left";
  switches = 0;

  switch() {
    this.shown = this.shown === "left" ? "right" : "left";
    this.switches += 1;
    this.#seen.add(this.shown);
    this.dispatchEvent(new Event("change"));
  }

  get sawBoth() {
    return this.#seen.size === 2;
  }
}

/** Show on the stage what is in view, and say it on the switch. */
export function followShown(stage, source) {
  const follow = () => {
    stage.dataset.shown = source.shown;
    for (const name of stage.querySelectorAll("[data-shown-name]")) {
      name.hidden = name.dataset.shownName !== source.shown;
    }
  };
  source.addEventListener("change", follow);
  follow();
}
