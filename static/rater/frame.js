// Give both clips the same box, in the shape of the wider one; remember it for the next pair.

const KEY = "juice:aspect";

const aspectOf = (picture) =>
  (picture.videoWidth || picture.naturalWidth) / (picture.videoHeight || picture.naturalHeight);

export function guessShape(stage) {
  const last = Number(sessionStorage.getItem(KEY));
  if (last) stage.style.setProperty("--aspect", last);
}

export function fitShape(stage, pictures) {
  const aspect = Math.max(...pictures.map(aspectOf));
  if (!Number.isFinite(aspect)) return;
  stage.style.setProperty("--aspect", aspect.toFixed(4));
  sessionStorage.setItem(KEY, aspect.toFixed(4));
}
