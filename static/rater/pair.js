// Two videos that play as one. Fires: change, time, loop, stall, blocked.
// Viewed one after the other, or in one place with a switch: see viewing.js.

const TYPICAL_FRAME_SECONDS = 1 / 24;
const READY = HTMLMediaElement.HAVE_FUTURE_DATA;

const once = (target, type) =>
  new Promise((resolve) => target.addEventListener(type, resolve, { once: true }));

const nextFrame = () => new Promise(requestAnimationFrame);

export class Pair extends EventTarget {
  speed = 1;
  looping = true;
  /** The side whose sound is on, one at a time; empty for none. */
  heard = "";
  /** Whether the rater wants the clips to play; a stall or a hidden tab does not change it. */
  playing = false;
  frameSeconds = TYPICAL_FRAME_SECONDS;
  #seeks = 0;

  constructor(videos) {
    super();
    this.videos = videos;
    for (const video of videos) {
      video.addEventListener("ended", () => this.playing && this.ended && this.atEnd());
      video.addEventListener("waiting", () => this.#stalled(video));
      video.addEventListener("timeupdate", () => this.say("time"));
    }
    document.addEventListener("visibilitychange", () => this.#followTab());
  }

  /** The videos that play now: both. */
  get current() {
    return this.videos;
  }

  /** The side that is in view; empty when both are. */
  get shown() {
    return "";
  }

  get duration() {
    return Math.max(...this.current.map((video) => video.duration || 0));
  }

  get time() {
    return Math.max(...this.current.map((video) => video.currentTime));
  }

  get ended() {
    return this.current.every((video) => video.ended);
  }

  get seeking() {
    return this.current.some((video) => video.seeking);
  }

  async play() {
    this.playing = true;
    if (this.ended) await this.#moveTo(0);
    await this.#start();
    this.say("change");
  }

  pause() {
    this.playing = false;
    this.#hold();
    this.say("change");
  }

  toggle() {
    return this.playing ? this.pause() : this.play();
  }

  /** Go to a time; go on playing from there if the clips were playing. */
  async seek(seconds) {
    if (await this.#moveTo(seconds)) await this.#start();
    this.say("time");
  }

  step(frames) {
    this.pause();
    return this.seek(this.time + frames * this.frameSeconds);
  }

  setSpeed(speed) {
    this.speed = speed;
    for (const video of this.videos) video.playbackRate = speed;
    this.say("change");
  }

  setHeard(side) {
    this.heard = side;
    for (const video of this.videos) video.muted = video.dataset.side !== side;
    this.say("change");
  }

  setLooping(looping) {
    this.looping = looping;
    this.say("change");
  }

  async #start() {
    if (!this.playing || document.hidden) return;
    const unfinished = this.current.filter((video) => !video.ended);
    try {
      await Promise.all(unfinished.map((video) => video.play()));
    } catch (error) {
      if (error.name === "AbortError") return;
      this.pause();
      this.say("blocked");
    }
  }

  #hold() {
    for (const video of this.videos) video.pause();
  }

  /** Whether this move was the last one asked for, and is done. */
  async #moveTo(seconds) {
    const seek = ++this.#seeks;
    this.#hold();
    const arrivals = this.current.map((video) => {
      const arrival = once(video, "seeked");
      video.currentTime = Math.min(Math.max(seconds, 0), video.duration);
      return arrival;
    });
    await Promise.all(arrivals);
    return seek === this.#seeks;
  }

  /** All that plays now has ended. */
  async atEnd() {
    this.say("loop");
    if (this.looping) await this.seek(0);
    else this.pause();
  }

  async #stalled(video) {
    if (!this.playing || video.seeking || video.ended || video.readyState >= READY) return;
    this.say("stall", { video });
    this.#hold();
    await once(video, "canplay");
    await this.#start();
  }

  /** Hold the video that is ahead: to jump to it would leave a part of the other unseen. */
  async letCatchUp(ahead, behind) {
    const seek = this.#seeks;
    const isAhead = () => ahead.paused && !behind.ended && behind.currentTime < ahead.currentTime;
    ahead.pause();
    while (this.playing && isAhead()) await nextFrame();
    if (seek === this.#seeks) await this.#start();
  }

  #followTab() {
    if (document.hidden) this.#hold();
    else this.#start();
  }

  say(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
