// How much of each clip was really shown while it played, each moment counted once.

const TOLERANCE_SECONDS = 0.12;
const MOMENTS_PER_SECOND = 8;

/** The moments of each video that were in view, for pairs of which only one is. */
const momentsOf = new WeakMap();

export function watchedSeconds(video) {
  const moments = momentsOf.get(video);
  if (moments) return Math.min(moments.size / MOMENTS_PER_SECOND, video.duration);
  let seconds = 0;
  for (let i = 0; i < video.played.length; i++) seconds += video.played.end(i) - video.played.start(i);
  return seconds;
}

/** Seconds that are still unseen on the side that has more of them; 0 when both were seen in full. */
export function unseenSeconds(videos) {
  const left = Math.max(...videos.map((video) => video.duration - watchedSeconds(video)));
  return left > TOLERANCE_SECONDS ? left : 0;
}

/** Count what is in view, frame by frame, from now on. */
export function countShown(pair) {
  for (const video of pair.videos) momentsOf.set(video, new Set());
  const onFrame = () => {
    const video = pair.videos.find((one) => one.dataset.side === pair.shown);
    if (!video.paused || video.ended) momentsOf.get(video).add(Math.floor(video.currentTime * MOMENTS_PER_SECOND));
    requestAnimationFrame(onFrame);
  };
  requestAnimationFrame(onFrame);
}
