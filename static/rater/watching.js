// How much of each clip was really played, each second counted once.

const TOLERANCE_SECONDS = 0.12;

export function watchedSeconds(video) {
  let seconds = 0;
  for (let i = 0; i < video.played.length; i++) seconds += video.played.end(i) - video.played.start(i);
  return seconds;
}

/** Seconds that are still unseen on the side that has more of them; 0 when both were seen in full. */
export function unseenSeconds(videos) {
  const left = Math.max(...videos.map((video) => video.duration - watchedSeconds(video)));
  return left > TOLERANCE_SECONDS ? left : 0;
}
