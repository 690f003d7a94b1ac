// Pairs that are viewed in turn.

import assert from "node:assert/strict";
import { test } from "node:test";

globalThis.HTMLMediaElement = { HAVE_FUTURE_DATA: 3 };
globalThis.document = { hidden: false, addEventListener: () => {} };
const { OneAfterTheOther, Turns, followShown } = await import("../../static/rater/viewing.js");

class Clip extends EventTarget {
  paused = true;
  ended = false;
  #time = 0;

  constructor(side, duration) {
    super();
    Object.assign(this, { duration, dataset: { side }, readyState: 4, seeking: false });
  }

  get currentTime() {
    return this.#time;
  }

  set currentTime(seconds) {
    this.#time = seconds;
    this.ended = false;
    queueMicrotask(() => this.dispatchEvent(new Event("seeked")));
  }

  async play() {
    this.paused = false;
  }

  pause() {
    this.paused = true;
  }

  end() {
    this.#time = this.duration;
    this.ended = this.paused = true;
    this.dispatchEvent(new Event("ended"));
  }
}

const settled = () => new Promise((resolve) => setImmediate(resolve));
const playing = (pair) => pair.videos.map((video) => !video.paused);

test("both pictures were seen when each was in view once", () => {
  const turns = new Turns();
  assert.equal(turns.sawBoth, false);
  turns.switch();
  assert.deepEqual([turns.sawBoth, turns.shown, turns.switches], [true, "right", 1]);
});

test("what is in view is shown on the stage and said on the switch", () => {
  const names = ["left", "right"].map((shownName) => ({ dataset: { shownName }, hidden: null }));
  const stage = { dataset: {}, querySelectorAll: () => names };
  const turns = new Turns();
  followShown(stage, turns);
  assert.deepEqual([stage.dataset.shown, names.map((one) => one.hidden)], ["left", [false, true]]);
  turns.switch();
  assert.deepEqual([stage.dataset.shown, names.map((one) => one.hidden)], ["right", [true, false]]);
});

test("the second clip follows when the first has ended, and then the first again", async () => {
  const clips = [new Clip("left", 2), new Clip("right", 3)];
  const pair = new OneAfterTheOther(clips);
  await pair.play();
  assert.deepEqual(playing(pair), [true, false]);
  clips[0].end();
  await settled();
  assert.deepEqual([pair.shown, pair.duration, playing(pair)], ["right", 3, [false, true]]);
  clips[1].end();
  await settled();
  assert.deepEqual([pair.shown, playing(pair)], ["left", [true, false]]);
});

test("without the loop it stops after the second", async () => {
  const clips = [new Clip("left", 2), new Clip("right", 3)];
  const pair = new OneAfterTheOther(clips);
  pair.setLooping(false);
  await pair.play();
  clips[0].end();
  await settled();
  clips[1].end();
  await settled();
  assert.deepEqual([pair.shown, pair.playing, playing(pair)], ["right", false, [false, false]]);
});

test("a seek goes on playing if it played, and stays where it was put if not", async () => {
  const pair = new OneAfterTheOther([new Clip("left", 2), new Clip("right", 3)]);
  await pair.seek(1.5);
  assert.deepEqual([pair.time, playing(pair)], [1.5, [false, false]]);
  await pair.play();
  await pair.seek(9);
  assert.deepEqual([pair.time, playing(pair)], [2, [true, false]]);
});
