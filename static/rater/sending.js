// Send a form until the server has answered. The submission id makes a repeat harmless.

const TRY_MILLISECONDS = 20_000;
const PAUSES_SECONDS = [1, 2, 4, 8, 15, 30];

const isTransient = (status) => status >= 500 || status === 408 || status === 429;

function pause(tries) {
  const seconds = PAUSES_SECONDS[Math.min(tries, PAUSES_SECONDS.length - 1)];
  return new Promise((resolve) => {
    addEventListener("online", resolve, { once: true });
    setTimeout(resolve, seconds * 1000);
  });
}

async function post(url, body) {
  const headers = { "X-Requested-With": "fetch" };
  const signal = AbortSignal.timeout(TRY_MILLISECONDS);
  const response = await fetch(url, { method: "POST", body, headers, signal });
  if (isTransient(response.status)) throw new Error(`status ${response.status}`);
  return { response, text: await response.text() };
}

async function untilAnswered(url, body, onTrouble) {
  for (let tries = 0; ; tries++) {
    try {
      return await post(url, body);
    } catch (error) {
      onTrouble(error);
      await pause(tries);
    }
  }
}

/** One of: {html}, {problems: html}, {saved, next}, {refused, next}, {elsewhere}, {outOfDate}. */
export async function send(url, body, { onTrouble }) {
  const { response, text } = await untilAnswered(url, body, onTrouble);
  if (response.redirected) return { elsewhere: response.url };
  if (response.headers.get("Content-Type")?.includes("json")) {
    const { saved, error, next } = JSON.parse(text);
    return saved ? { saved, next } : { refused: error, next };
  }
  if (response.ok) return { html: text };
  return response.status === 422 ? { problems: text } : { outOfDate: true };
}
