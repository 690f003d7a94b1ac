// How the clips were played and the page was used; goes with the answer.

import { driftOf } from "./drift.js";
import { watchedSeconds } from "./watching.js";

const round = (number, digits = 3) => Number(number.toFixed(digits));

export function countPage(form) {
  const start = performance.now();
  const facts = { choice_presses: 0, changes_of_mind: 0, seconds_to_first_choice: null, visible_seconds: 0, focus_lost: 0, pasted: 0 };
  const chosen = new Map();
  addEventListener("blur", () => (facts.focus_lost += 1));
  form.addEventListener("paste", () => (facts.pasted += 1));
  let shown = document.hidden ? null : start;
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) facts.visible_seconds += (performance.now() - shown) / 1000;
    shown = document.hidden ? null : performance.now();
  });
  form.addEventListener("change", (event) => {
    if (event.target.type !== "radio") return;
    const { name, value } = event.target;
    if (chosen.has(name) && chosen.get(name) !== value) facts.changes_of_mind += 1;
    chosen.set(name, value);
    facts.choice_presses += 1;
    facts.seconds_to_first_choice ??= round((performance.now() - start) / 1000);
  });
  return () => ({
    ...facts,
    visible_seconds: round(facts.visible_seconds + (shown === null ? 0 : (performance.now() - shown) / 1000)),
    language: document.documentElement.lang,
    viewport: [innerWidth, innerHeight],
    pixel_ratio: devicePixelRatio,
    touch: matchMedia("(pointer: coarse)").matches,
  });
}

export function countPlayback(pair) {
  const counts = { plays: 0, pauses: 0, loops: 0, switches: 0, stalls: { left: 0, right: 0 }, most_drift_seconds: 0, speeds: [1], heard: [] };
  let wasPlaying = false;
  let wasShown = pair.shown;
  pair.addEventListener("change", () => {
    if (pair.playing && !wasPlaying) counts.plays += 1;
    if (!pair.playing && wasPlaying) counts.pauses += 1;
    wasPlaying = pair.playing;
    if (!counts.speeds.includes(pair.speed)) counts.speeds.push(pair.speed);
    if (pair.shown !== wasShown) counts.switches += 1;
    wasShown = pair.shown;
    if (pair.heard && !counts.heard.includes(pair.heard)) counts.heard.push(pair.heard);
  });
  pair.addEventListener("loop", () => (counts.loops += 1));
  pair.addEventListener("stall", ({ detail }) => (counts.stalls[detail.video.dataset.side] += 1));
  pair.addEventListener("time", () => {
    if (pair.current.length < 2 || pair.videos.some((video) => video.paused || video.seeking)) return;
    counts.most_drift_seconds = Math.max(counts.most_drift_seconds, Math.abs(driftOf(pair.videos)));
  });
  return () => ({
    ...counts,
    most_drift_seconds: round(counts.most_drift_seconds),
    ...Object.fromEntries(pair.videos.map((video) => [video.dataset.side, sideFacts(video)])),
  });
}

function sideFacts(video) {
  const quality = video.getVideoPlaybackQuality?.();
  return {
    seconds: round(video.duration),
    watched_seconds: round(watchedSeconds(video)),
    frames: quality?.totalVideoFrames ?? null,
    dropped_frames: quality?.droppedVideoFrames ?? null,
  };
}
