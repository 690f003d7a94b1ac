// Squares are one stop of the tab key: arrows go from one to the next, and a line below says what
// it is. Without scripts each is a link with its words as its title.

const STEPS = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };

function squaresOf(box) {
  return [...box.querySelectorAll(".square")];
}

function makeOneStop(box) {
  squaresOf(box).forEach((square, index) => {
    square.tabIndex = index === 0 ? 0 : -1;
  });
}

function makeStops(part) {
  part.querySelectorAll("[data-squares]").forEach(makeOneStop);
}

function perLine(squares) {
  const next = squares.findIndex((square) => square.offsetTop > squares[0].offsetTop);
  return next === -1 ? squares.length : next;
}

function target(squares, from, key) {
  const line = { ArrowUp: -1, ArrowDown: 1 }[key];
  const place = line ? from + line * perLine(squares) : from + STEPS[key];
  if (line && (place < 0 || place >= squares.length)) return squares[from];
  return squares[Math.min(Math.max(place, 0), squares.length - 1)];
}

function go(event) {
  const box = event.target.closest("[data-squares]");
  if (box === null || !(event.key in STEPS || /^Arrow(Up|Down)$/.test(event.key))) return;
  const squares = squaresOf(box);
  const next = target(squares, squares.indexOf(event.target), event.key);
  event.preventDefault();
  event.target.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}

function say(event) {
  const square = event.target.closest("[data-squares] .square");
  if (square === null) return;
  document.querySelector("[data-squares-said]").textContent = square.title;
}

document.addEventListener("keydown", go);
document.addEventListener("focusin", say);
document.addEventListener("pointerover", say);
document.addEventListener("live:shown", (event) => makeStops(event.target));
makeStops(document);
