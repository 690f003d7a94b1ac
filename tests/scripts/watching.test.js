// How much of a clip counts as seen, and how two clips are kept in step.

import assert from "node:assert/strict";
import { test } from "node:test";

import { driftOf, keepInStep } from "../../static/rater/drift.js";
import { countShown, unseenSeconds, watchedSeconds } from "../../static/rater/watching.js";

const ranges = (...spans) => ({
  length: spans.length,
  start: (index) => spans[index][0],
  end: (index) => spans[index][1],
});
const video = (duration, ...spans) => ({ duration, played: ranges(...spans), dataset: {} });

test("each moment counts once: what was played is the sum of the browser's ranges", () => {
  assert.equal(watchedSeconds(video(4, [0, 1], [2, 3.5])), 2.5);
  assert.equal(watchedSeconds(video(4)), 0);
});

test("what is left is that of the side which was seen less, within a tolerance of 0.12 s", () => {
  assert.equal(unseenSeconds([video(4, [0, 4]), video(4, [0, 1])]), 3);
  assert.equal(unseenSeconds([video(4, [0, 3.9]), video(4, [0, 4])]), 0);
});

test("in one place only the side in view is counted, in eighths of a second", () => {
  let onFrame;
  globalThis.requestAnimationFrame = (next) => (onFrame = next);
  const [left, right] = ["left", "right"].map((side) => ({ duration: 2, currentTime: 0, dataset: { side } }));
  const pair = { videos: [left, right], shown: "left" };
  countShown(pair);
  for (const time of [0, 0.1, 0.13, 0.3]) {
    left.currentTime = right.currentTime = time;
    onFrame();
  }
  assert.equal(watchedSeconds(left), 3 / 8);
  assert.equal(watchedSeconds(right), 0);
});

function inStep(times, { speed = 1 } = {}) {
  let onFrame;
  const [lead, follow] = times.map((currentTime) => ({ currentTime, playbackRate: speed }));
  lead.requestVideoFrameCallback = (next) => (onFrame = next);
  const held = [];
  const pair = { videos: [lead, follow], speed, frameSeconds: 1 / 24, letCatchUp: (ahead) => held.push(ahead) };
  keepInStep(pair);
  onFrame(0, { mediaTime: lead.currentTime });
  return { pair, lead, follow, held, onFrame };
}

test("drift is how far the second is ahead of the first", () => {
  assert.equal(driftOf([{ currentTime: 1 }, { currentTime: 1.25 }]), 0.25);
});

test("less than a quarter of a frame is left alone", () => {
  assert.equal(inStep([1, 1.01]).follow.playbackRate, 1);
});

test("a small drift is taken away by speed, by five per cent at most and at the rater's speed", () => {
  assert.ok(Math.abs(inStep([1, 1.02]).follow.playbackRate - 0.96) < 1e-9);
  assert.ok(Math.abs(inStep([1, 1.1], { speed: 0.5 }).follow.playbackRate - 0.475) < 1e-9);
  assert.ok(Math.abs(inStep([1.1, 1]).follow.playbackRate - 1.05) < 1e-9);
});

test("from 0.15 s on the one that is ahead waits", () => {
  const { lead, follow, held } = inStep([1, 1.2]);
  assert.deepEqual(held, [follow]);
  assert.deepEqual(inStep([1.2, 1]).held.length, 1);
  assert.equal(lead.playbackRate, 1);
});

test("how long a frame lasts is learned from the shortest step", () => {
  const { pair, onFrame } = inStep([0, 0]);
  for (const mediaTime of [0.1, 0.2, 0.26, 0.36]) onFrame(0, { mediaTime });
  assert.ok(Math.abs(pair.frameSeconds - 0.06) < 1e-9);
});
