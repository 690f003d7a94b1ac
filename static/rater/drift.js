// Keep the second video in step with the first: small drift by speed; for a large one, who is ahead waits.

const HOLD_SECONDS = 0.15;
const TOLERATED_FRAMES = 0.25;
const MOST_SPEED_CHANGE = 0.05;
const TICK_MILLISECONDS = 250;

export const driftOf = ([lead, follow]) => follow.currentTime - lead.currentTime;

function correct(pair) {
  const [lead, follow] = pair.videos;
  if (lead.paused || follow.paused || lead.ended || follow.ended || pair.seeking) return;
  const drift = driftOf(pair.videos);
  if (Math.abs(drift) >= HOLD_SECONDS) {
    const [ahead, behind] = drift > 0 ? [follow, lead] : [lead, follow];
    pair.letCatchUp(ahead, behind);
    return;
  }
  const off = Math.abs(drift) > TOLERATED_FRAMES * pair.frameSeconds;
  const change = off ? Math.max(-MOST_SPEED_CHANGE, Math.min(MOST_SPEED_CHANGE, drift * 2)) : 0;
  const speed = pair.speed * (1 - change);
  if (follow.playbackRate !== speed) follow.playbackRate = speed;
}

/** Learn how long a frame lasts from the shortest step between two that were shown. */
function measureFrame(pair, last, now) {
  const step = now - last;
  if (step > 1 / 130 && (!pair.measured || step < pair.frameSeconds)) {
    pair.frameSeconds = step;
    pair.measured = true;
  }
}

export function keepInStep(pair) {
  const [lead] = pair.videos;
  if (!("requestVideoFrameCallback" in lead)) {
    setInterval(() => correct(pair), TICK_MILLISECONDS);
    return;
  }
  let last = Number.POSITIVE_INFINITY;
  const onFrame = (_, { mediaTime }) => {
    measureFrame(pair, last, mediaTime);
    last = mediaTime;
    correct(pair);
    lead.requestVideoFrameCallback(onFrame);
  };
  lead.requestVideoFrameCallback(onFrame);
}
