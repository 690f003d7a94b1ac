// Keeps parts of a page fresh. Without scripts they show the state at which the page was loaded.

import { offerCopy } from "../juice/copy.js";

const EVERY_SECONDS = 3;
const PATIENCE_SECONDS = 30;
const said = document.querySelector("[data-live-said]");

// What has an id is found again in the fresh part; anything else, and what somebody is typing,
// would be taken away.
function isKept(element) {
  return element.id !== "" && !element.matches("input, select, textarea");
}

function isInUse(part) {
  const active = document.activeElement;
  const selected = getSelection();
  return (
    (part.contains(active) && !isKept(active)) ||
    [...part.querySelectorAll("details[open]")].some((box) => !isKept(box)) ||
    (!selected.isCollapsed && part.contains(selected.anchorNode))
  );
}

function scrolls(part) {
  return [...part.querySelectorAll(".scroll")].map((box) => [box.scrollTop, box.scrollLeft]);
}

function show(part, html) {
  const kept = scrolls(part);
  const open = [...part.querySelectorAll("details[open]")].map((box) => box.id);
  const focused = part.contains(document.activeElement) ? document.activeElement.id : "";
  const news = part.querySelector("[data-live-news]")?.textContent;
  part.innerHTML = html;
  part.querySelectorAll(".scroll").forEach((box, index) => {
    [box.scrollTop, box.scrollLeft] = kept[index] ?? [0, 0];
  });
  open.forEach((id) => document.getElementById(id)?.setAttribute("open", ""));
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  offerCopy(part);
  part.dispatchEvent(new Event("live:shown", { bubbles: true }));
  announce(part.querySelector("[data-live-news]")?.textContent, news);
}

function announce(news, before) {
  const line = document.querySelector("[data-live-announced]");
  if (line !== null && news !== undefined && news !== before) line.textContent = news;
}

async function fresh(part, etag) {
  const headers = etag ? { "If-None-Match": etag } : {};
  const signal = AbortSignal.timeout(1000 * PATIENCE_SECONDS);
  const options = { redirect: "error", cache: "no-store", headers, signal };
  const answer = await fetch(part.dataset.live, options);
  if (answer.status === 304) return null;
  if (!answer.ok) throw new Error(String(answer.status));
  return { html: await answer.text(), etag: answer.headers.get("ETag") ?? "" };
}

function warn(words) {
  if (said !== null) said.textContent = words;
}

// One question at a time: of two answers under way the older could be shown last, and a second
// question would not know yet what the first has brought.
function keepFresh(part) {
  let etag = "";
  let shown = "";
  let isAsking = false;

  async function refresh() {
    if (isAsking || document.hidden || isInUse(part)) return;
    isAsking = true;
    try {
      const found = await fresh(part, etag);
      if (found !== null && !isInUse(part)) {
        if (found.html !== shown) show(part, found.html);
        ({ html: shown, etag } = found);
      }
      warn("");
    } catch {
      warn("The server does not answer; this is the state of before. Trying again.");
    } finally {
      isAsking = false;
    }
  }

  setInterval(refresh, 1000 * (part.dataset.liveSeconds ?? EVERY_SECONDS));
}

document.querySelectorAll("[data-live]").forEach(keepFresh);
