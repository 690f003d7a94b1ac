// While a report or a file is made: shows how far it is, then the thing itself.

const EVERY_MS = 2000;
const MAKING = 202;
const part = document.querySelector("[data-waiting]");

async function stateOf(answer) {
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return page.querySelector("[data-waiting]").innerHTML;
}

function show(answer) {
  if (answer.headers.has("Content-Disposition")) part.textContent = "It is being downloaded.";
  location.reload();
}

async function look() {
  const abort = new AbortController();
  try {
    const answer = await fetch(location.href, { cache: "no-store", signal: abort.signal });
    if (answer.status !== MAKING) {
      abort.abort();
      show(answer);
      return;
    }
    const state = await stateOf(answer);
    if (state !== part.innerHTML) part.innerHTML = state;
  } catch {
    part.textContent = "The server does not answer. Trying again.";
  }
  setTimeout(look, EVERY_MS);
}

if (part !== null) setTimeout(look, EVERY_MS);
