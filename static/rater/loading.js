// Fetch both clips whole, and tell when both have painted their first frame.

const FETCH_MILLISECONDS = 90_000;
const PAINT_MILLISECONDS = 3_000;

export class ClipGone extends Error {}

async function fetchWhole(url) {
  const response = await fetch(url, { signal: AbortSignal.timeout(FETCH_MILLISECONDS) });
  if (response.status === 404) throw new ClipGone(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return response.blob();
}

function firstFrame(video) {
  return new Promise((resolve, reject) => {
    video.addEventListener("error", () => reject(video.error), { once: true });
    video.requestVideoFrameCallback?.(resolve);
    // A hidden tab paints nothing, and some browsers cannot tell.
    video.addEventListener("loadeddata", () => setTimeout(resolve, PAINT_MILLISECONDS), { once: true });
  });
}

function release(url) {
  addEventListener("pagehide", (event) => event.persisted || URL.revokeObjectURL(url));
}

export async function loadVideos(videos) {
  const addresses = videos.map((video) => (video.dataset.source ??= video.getAttribute("src")));
  const blobs = await Promise.all(addresses.map(fetchWhole));
  const painted = videos.map((video, index) => {
    const frame = firstFrame(video);
    video.src = URL.createObjectURL(blobs[index]);
    video.preload = "auto";
    video.load();
    release(video.src);
    return frame;
  });
  await Promise.all(painted);
}

export async function loadImages(images) {
  for (const image of images) if (image.complete && !image.naturalWidth) image.src = image.src;
  await Promise.all(images.map((image) => image.decode()));
}
