// The one set of controls for both clips.

import { words } from "./words.js";

const SPEEDS = [1, 0.5, 0.25, 2];

const SIDES_HEARD = ["", "left", "right"];

const nextHeard = (side) => SIDES_HEARD[(SIDES_HEARD.indexOf(side) + 1) % SIDES_HEARD.length];
const nextSpeed = (speed) => SPEEDS[(SPEEDS.indexOf(speed) + 1) % SPEEDS.length];

export function transportActions(pair) {
  return {
    play: () => pair.toggle(),
    restart: () => pair.seek(0).then(() => pair.play()),
    back: () => pair.step(-1),
    forward: () => pair.step(1),
    speed: () => pair.setSpeed(nextSpeed(pair.speed)),
    loop: () => pair.setLooping(!pair.looping),
    sound: () => pair.setHeard(nextHeard(pair.heard)),
    switch: () => pair.switch?.(),
  };
}

function showState(bar, pair) {
  bar.toggleAttribute("data-playing", pair.playing);
  bar.querySelector("[data-speed]").textContent = `${pair.speed}×`;
  bar.querySelector("[data-action=loop]").setAttribute("aria-pressed", String(pair.looping));
  for (const name of bar.querySelectorAll("[data-heard]")) name.hidden = name.dataset.heard !== pair.heard;
}

function showTime(bar, pair) {
  const scrubber = bar.querySelector("[data-scrubber]");
  scrubber.max = pair.duration;
  if (!scrubber.matches(":active")) scrubber.value = pair.time;
  scrubber.setAttribute("aria-valuetext", words.clock(pair.time, pair.duration));
  bar.querySelector("[data-clock]").textContent = words.clock(pair.time, pair.duration);
}

function followFrames(bar, pair) {
  const onFrame = () => {
    if (pair.playing) showTime(bar, pair);
    requestAnimationFrame(onFrame);
  };
  requestAnimationFrame(onFrame);
}

export function driveTransport(bar, pair, actions) {
  bar.addEventListener("click", (event) => actions[event.target.closest("[data-action]")?.dataset.action]?.());
  bar.addEventListener("input", (event) => pair.seek(Number(event.target.value)));
  pair.addEventListener("change", () => showState(bar, pair));
  pair.addEventListener("time", () => showTime(bar, pair));
  showState(bar, pair);
  showTime(bar, pair);
  followFrames(bar, pair);
}
