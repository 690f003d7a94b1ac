// Keeps a study's progress fresh. Without scripts the page shows the state at which it was loaded.

import { offerCopy } from "../juice/copy.js";

const EVERY_MS = 3000;
const part = document.querySelector("[data-live]");
const said = document.querySelector("[data-live-said]");

// Replacing what somebody is using would take the focus, the selection or an open box away.
function isInUse() {
  const selected = getSelection();
  return (
    part.contains(document.activeElement) ||
    part.querySelector("details[open]") !== null ||
    (!selected.isCollapsed && part.contains(selected.anchorNode))
  );
}

function scrolls() {
  return [...part.querySelectorAll(".scroll")].map((box) => [box.scrollTop, box.scrollLeft]);
}

function show(html) {
  const kept = scrolls();
  part.innerHTML = html;
  part.querySelectorAll(".scroll").forEach((box, index) => {
    [box.scrollTop, box.scrollLeft] = kept[index] ?? [0, 0];
  });
  offerCopy(part);
}

async function refresh() {
  if (document.hidden || isInUse()) return;
  try {
    const answer = await fetch(part.dataset.live, { redirect: "error" });
    if (!answer.ok) throw new Error(String(answer.status));
    const html = await answer.text();
    if (!isInUse()) show(html);
    said.textContent = "";
  } catch {
    said.textContent = "The server does not answer; this is the state of before. Trying again.";
  }
}

setInterval(refresh, EVERY_MS);
