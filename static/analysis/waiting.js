// While a report or a file is made, or waits for its next try: shows how far it is, then the thing.

const EVERY_MS = { making: 2000, failed: 15_000 };
const NOT_YET = [202, 503];
const part = document.querySelector("[data-waiting]");

async function partOf(answer) {
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return page.querySelector("[data-waiting]");
}

function show(answer) {
  if (answer.headers.has("Content-Disposition")) part.textContent = "It is being downloaded.";
  location.reload();
}

async function look() {
  const abort = new AbortController();
  try {
    const answer = await fetch(location.href, { cache: "no-store", signal: abort.signal });
    if (!NOT_YET.includes(answer.status)) {
      abort.abort();
      show(answer);
      return;
    }
    const found = await partOf(answer);
    if (found.dataset.waiting !== part.dataset.waiting) {
      location.reload();
      return;
    }
    if (found.innerHTML !== part.innerHTML) part.innerHTML = found.innerHTML;
  } catch {
    part.textContent = "The server does not answer. Trying again.";
  }
  setTimeout(look, EVERY_MS[part.dataset.waiting]);
}

if (part !== null) setTimeout(look, EVERY_MS[part.dataset.waiting]);
