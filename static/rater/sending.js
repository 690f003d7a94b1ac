// Send a form until the server has answered, or it is time to stop. The submission id makes a
// repeat harmless. Only what may pass by itself is tried again: a lost line, and a server that is
// busy or away; a fault or a refusal would be the same the next time.

const TRY_MILLISECONDS = 20_000;
const PAUSES_SECONDS = [1, 2, 4, 8, 15, 30];
const MOST_TRIES = 12;
const LONGEST_PAUSE_SECONDS = 300;
const BUSY = [429, 502, 503, 504];

function secondsAskedFor(response) {
  const asked = response.headers.get("Retry-After") ?? "";
  const seconds = /^\d+$/.test(asked) ? Number(asked) : (Date.parse(asked) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, Math.ceil(seconds)) : 0;
}

function pause(seconds, endsWhenOnline) {
  return new Promise((resolve) => {
    if (endsWhenOnline) addEventListener("online", resolve, { once: true });
    setTimeout(resolve, seconds * 1000);
  });
}

async function post(url, body) {
  const headers = { "X-Requested-With": "fetch" };
  const signal = AbortSignal.timeout(TRY_MILLISECONDS);
  const response = await fetch(url, { method: "POST", body, headers, signal });
  if (BUSY.includes(response.status)) return { busy: true, asked: secondsAskedFor(response) };
  return { response, text: await response.text() };
}

async function untilAnswered(url, body, { onTry, onTrouble }) {
  for (let tries = 1; ; tries++) {
    onTry(tries);
    const answer = await post(url, body).catch(() => ({ busy: false, asked: 0 }));
    if (answer.response) return answer;
    const usual = PAUSES_SECONDS[Math.min(tries, PAUSES_SECONDS.length) - 1];
    const seconds = Math.max(usual, answer.asked);
    if (tries === MOST_TRIES || seconds > LONGEST_PAUSE_SECONDS) return null;
    onTrouble({ busy: answer.busy, seconds });
    await pause(seconds, !answer.busy);
  }
}

/** One of: {html}, {problems: html}, {saved, next}, {refused, next}, {unreadable}, {elsewhere},
 * {outOfDate}, {fault}, {gaveUp}. */
export async function send(url, body, events) {
  const answer = await untilAnswered(url, body, events);
  if (!answer) return { gaveUp: true };
  const { response, text } = answer;
  if (response.redirected) return { elsewhere: response.url };
  if (response.status >= 500) return { fault: true };
  if (response.headers.get("Content-Type")?.includes("json")) {
    const { saved, error, next, detail } = JSON.parse(text);
    if (saved) return { saved, next };
    return error ? { refused: error, next } : { unreadable: detail };
  }
  if (response.ok) return { html: text };
  return response.status === 422 ? { problems: text } : { outOfDate: true };
}
