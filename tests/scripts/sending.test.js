// What is tried again, how often, and with which pauses.

import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import { send } from "../../static/rater/sending.js";

let answers, calls, troubles, timers;
const events = { onTry: () => {}, onTrouble: (trouble) => troubles.push(trouble) };

const reply = (status, { body = "", type = "text/html", retryAfter, redirected = false } = {}) => {
  const headers = { "Content-Type": type, ...(retryAfter && { "Retry-After": retryAfter }) };
  const response = new Response(body, { status, headers });
  if (redirected) Object.defineProperties(response, { redirected: { value: true }, url: { value: "/elsewhere" } });
  return response;
};

beforeEach(() => {
  [answers, calls, troubles, timers] = [[], 0, [], []];
  globalThis.addEventListener = () => {};
  globalThis.fetch = async () => {
    calls += 1;
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (answer === undefined) throw new TypeError("Failed to fetch");
    return answer();
  };
  globalThis.setTimeout = (done, milliseconds) => {
    timers.push(milliseconds / 1000);
    queueMicrotask(done);
  };
});

const realTimeout = globalThis.setTimeout;
afterEach(() => (globalThis.setTimeout = realTimeout));

test("an answer that was saved is told with the next address", async () => {
  answers = [() => reply(200, { type: "application/json", body: '{"saved": true, "next": "/next"}' })];
  assert.deepEqual(await send("/", "", events), { saved: true, next: "/next" });
});

for (const status of [429, 502, 503, 504]) {
  test(`a server that answers ${status} is asked again`, async () => {
    answers = [() => reply(status), () => reply(200, { body: "<p>" })];
    assert.deepEqual(await send("/", "", events), { html: "<p>" });
    assert.deepEqual(troubles, [{ busy: true, seconds: 1 }]);
  });
}

test("pauses grow, and after twelve tries it ends", async () => {
  assert.deepEqual(await send("/", "", events), { gaveUp: true });
  assert.equal(calls, 12);
  assert.deepEqual(troubles.map((one) => one.seconds), [1, 2, 4, 8, 15, 30, 30, 30, 30, 30, 30]);
  assert.deepEqual(timers, troubles.map((one) => one.seconds));
});

test("as long as the server asks for, up to five minutes", async () => {
  answers = [() => reply(503, { retryAfter: "40" }), () => reply(503, { retryAfter: "301" })];
  assert.deepEqual(await send("/", "", events), { gaveUp: true });
  assert.deepEqual(troubles, [{ busy: true, seconds: 40 }]);
});

test("a moment that has passed is no pause of its own", async () => {
  answers = [() => reply(503, { retryAfter: "Thu, 01 Jan 1970 00:00:00 GMT" }), () => reply(200)];
  await send("/", "", events);
  assert.deepEqual(troubles, [{ busy: true, seconds: 1 }]);
});

test("a fault of the server is not repeated", async () => {
  answers = [() => reply(500)];
  assert.deepEqual(await send("/", "", events), { fault: true });
  assert.equal(calls, 1);
});

test("refusals and problems are told apart", async () => {
  const json = (body) => () => reply(409, { type: "application/problem+json", body: JSON.stringify(body) });
  answers = [json({ error: "It is with others now.", next: "/next" })];
  assert.deepEqual(await send("/", "", events), { refused: "It is with others now.", next: "/next" });
  answers = [json({ detail: "A field holds NUL." })];
  assert.deepEqual(await send("/", "", events), { unreadable: "A field holds NUL." });
  answers = [() => reply(422, { body: "<form>" })];
  assert.deepEqual(await send("/", "", events), { problems: "<form>" });
  answers = [() => reply(403)];
  assert.deepEqual(await send("/", "", events), { outOfDate: true });
  answers = [() => reply(200, { redirected: true })];
  assert.deepEqual(await send("/", "", events), { elsewhere: "/elsewhere" });
});
