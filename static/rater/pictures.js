// The pictures of an image study: load, zoom both in step, wipe one over the other, or take turns.

import { loadImages } from "./loading.js";
import { fillStage } from "./stage.js";
import { followShown, Turns } from "./viewing.js";
import { Wipe } from "./wipe.js";
import { words } from "./words.js";
import { Zoom } from "./zoom.js";

/** The actions of the tools, and a function that gives the facts of their use. */
export function showPictures(stage, gate) {
  const images = [...stage.querySelectorAll("img")];
  const zoom = new Zoom(stage);
  const wipe = new Wipe(stage);
  const turns = stage.dataset.viewing === "simultaneous" ? null : new Turns();
  const openWhenSeen = () => (!turns || turns.sawBoth ? gate.open({ quietly: true }) : gate.say(words.seeBoth));
  if (turns) {
    followShown(stage, turns);
    turns.addEventListener("change", () => gate.isOpen || openWhenSeen());
  }
  fillStage(stage, images, loadImages).then(openWhenSeen);
  const actions = {
    closer: () => zoom.step(1),
    farther: () => zoom.step(-1),
    whole: () => zoom.reset(),
    up: () => zoom.pan(0, 1),
    down: () => zoom.pan(0, -1),
    leftward: () => zoom.pan(1, 0),
    rightward: () => zoom.pan(-1, 0),
    wipe: () => wipe.toggle(),
    switch: () => turns?.switch(),
  };
  stage.querySelector("[data-tools]").addEventListener("click", (event) => {
    actions[event.target.closest("[data-action]")?.dataset.action]?.();
  });
  return { actions, facts: () => ({ ...zoom.facts(), ...wipe.facts(), switches: turns?.switches ?? 0 }) };
}
