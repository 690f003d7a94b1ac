// The videos of the page: load, play together, open the choices when both were seen.

import { keepInStep } from "./drift.js";
import { countPlayback } from "./facts.js";
import { loadVideos } from "./loading.js";
import { fillStage } from "./stage.js";
import { driveTransport, transportActions } from "./transport.js";
import { followShown, pairFor } from "./viewing.js";
import { unseenSeconds } from "./watching.js";
import { words } from "./words.js";

const wantsStillness = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

function openWhenSeen(pair, gate) {
  const unseen = unseenSeconds(pair.videos);
  if (unseen > 0) gate.say(words.toWatch(unseen));
  else gate.open();
}

/** The transport's actions, and a function that gives the playback facts. */
export function showVideos(stage, gate) {
  const videos = [...stage.querySelectorAll("video")];
  for (const video of videos) video.controls = false;
  const pair = pairFor(stage, videos);
  followShown(stage, pair);
  const actions = transportActions(pair);
  const ready = fillStage(stage, videos, loadVideos).then(() => {
    driveTransport(stage.querySelector("[data-transport]"), pair, actions);
    if (pair.current.length > 1) keepInStep(pair);
    pair.addEventListener("time", () => gate.isOpen || openWhenSeen(pair, gate));
    pair.addEventListener("blocked", () => gate.say(words.blocked));
    openWhenSeen(pair, gate);
    if (!wantsStillness()) pair.play();
  });
  const whenReady = (action) => () => ready.then(action);
  const facts = countPlayback(pair);
  return {
    actions: Object.fromEntries(Object.entries(actions).map(([name, action]) => [name, whenReady(action)])),
    facts: () => (stage.hasAttribute("data-ready") ? facts() : {}),
  };
}
