// Tiles are one stop of the tab key: arrows go from one to the next, and a line below says what
// it is. Without scripts each is a link with its words as its title.

const STEPS = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };

function tilesOf(box) {
  return [...box.querySelectorAll(".tile")];
}

function makeOneStop(box) {
  tilesOf(box).forEach((tile, index) => {
    tile.tabIndex = index === 0 ? 0 : -1;
  });
}

function makeStops(part) {
  part.querySelectorAll("[data-tiles]").forEach(makeOneStop);
}

function perLine(tiles) {
  const next = tiles.findIndex((tile) => tile.offsetTop > tiles[0].offsetTop);
  return next === -1 ? tiles.length : next;
}

function target(tiles, from, key) {
  const line = { ArrowUp: -1, ArrowDown: 1 }[key];
  const place = line ? from + line * perLine(tiles) : from + STEPS[key];
  if (line && (place < 0 || place >= tiles.length)) return tiles[from];
  return tiles[Math.min(Math.max(place, 0), tiles.length - 1)];
}

function go(event) {
  const box = event.target.closest("[data-tiles]");
  if (box === null || !(event.key in STEPS || /^Arrow(Up|Down)$/.test(event.key))) return;
  const tiles = tilesOf(box);
  const next = target(tiles, tiles.indexOf(event.target), event.key);
  event.preventDefault();
  event.target.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}

function say(event) {
  const tile = event.target.closest("[data-tiles] .tile");
  if (tile === null) return;
  document.querySelector("[data-tiles-said]").textContent = tile.title;
}

document.addEventListener("keydown", go);
document.addEventListener("focusin", say);
document.addEventListener("pointerover", say);
document.addEventListener("live:shown", (event) => makeStops(event.target));
makeStops(document);
