// Draws the charts from the figures in the page, lets tables be sorted by their headings and
// searched.
"use strict";

const figures = JSON.parse(document.getElementById("figures").textContent);
const config = { displayModeBar: false, responsive: true };
const NARROW = 560;

// On a phone a label beside a line leaves no room for the line: it goes above it.
function narrowed(layout) {
  const yshift = layout.meta.lift;
  const moved = {
    label: { x: 0, xanchor: "left", xshift: 0, yshift },
    value: { x: 1, xanchor: "right", yshift },
  };
  return {
    ...layout,
    height: layout.height * 1.5,
    margin: { ...layout.margin, l: 12, r: 16 },
    annotations: layout.annotations.map((note) => ({ ...note, ...moved[note.name] })),
  };
}

function draw(box) {
  const { data, layout } = figures[box.dataset.chart];
  Plotly.newPlot(box, data, box.clientWidth < NARROW ? narrowed(layout) : layout, config);
}

// What is folded away has no width yet.
for (const box of document.querySelectorAll("[data-chart]")) {
  const fold = box.closest("details:not([open])");
  if (fold === null) draw(box);
  else fold.addEventListener("toggle", () => draw(box), { once: true });
}

addEventListener("beforeprint", () => {
  for (const fold of document.querySelectorAll("details.fold")) fold.open = true;
});

function sortKey(row, column) {
  const text = row.cells[column].textContent.trim().replace("−", "-");
  const number = parseFloat(text);
  return Number.isNaN(number) ? text.toLowerCase() : number;
}

function compare(left, right) {
  if (typeof left !== typeof right) return typeof left === "number" ? -1 : 1;
  return left < right ? -1 : left > right ? 1 : 0;
}

function sortBy(heading) {
  const table = heading.closest("table");
  const ascending = heading.getAttribute("aria-sort") !== "ascending";
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", ascending ? "ascending" : "descending");
  const direction = ascending ? 1 : -1;
  const column = heading.cellIndex;
  const rows = [...table.tBodies[0].rows];
  rows.sort((a, b) => direction * compare(sortKey(a, column), sortKey(b, column)));
  table.tBodies[0].append(...rows);
}

for (const table of document.querySelectorAll("table[data-sortable]")) {
  if (table.tBodies[0].rows.length < 3) continue;
  for (const heading of table.tHead.rows[0].cells) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    button.addEventListener("click", () => sortBy(heading));
    heading.append(button);
  }
}

// A row is found by its names, not by its numbers.
function searchText(row) {
  return [...row.querySelectorAll("th, td.text")]
    .map((cell) => cell.textContent)
    .join(" ")
    .toLowerCase();
}

function show(rows, typed, said) {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  let found = 0;
  for (const [row, text] of rows) {
    row.hidden = !words.every((word) => text.includes(word));
    if (!row.hidden) found += 1;
  }
  said.textContent = words.length ? `${found} of ${rows.length} rows` : "";
}

function addSearch(table) {
  const rows = [...table.tBodies[0].rows].map((row) => [row, searchText(row)]);
  const box = document.createElement("p");
  const label = document.createElement("label");
  const field = document.createElement("input");
  const said = document.createElement("output");
  box.className = "search";
  field.type = "search";
  field.autocomplete = "off";
  field.spellcheck = false;
  label.append("Find ", field);
  box.append(label, said);
  field.addEventListener("input", () => show(rows, field.value, said));
  table.closest(".scroll").before(box);
}

for (const table of document.querySelectorAll("table[data-searched]")) addSearch(table);

// Both clips of an example from their beginning, as raters saw them.
for (const box of document.querySelectorAll(".example__clips")) {
  const clips = box.querySelectorAll("figure:not(.example__source) video");
  if (clips.length < 2) continue;
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Play both";
  button.addEventListener("click", () => {
    for (const clip of clips) {
      clip.currentTime = 0;
      clip.play();
    }
  });
  box.append(button);
}
