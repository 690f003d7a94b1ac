// Keep the comparison while its page is in view; say calmly when it was given to somebody else.

import { showNotice } from "./notice.js";

const RENEW_MILLISECONDS = 60_000;
const MOST_FAILURES = 6;
const GIVEN_AWAY = [404, 409];
const PASSES_BY = [429, 502, 503, 504];

/** Whether to go on renewing. Throws for what may pass by itself. */
async function renew(form, isBusy) {
  if (document.hidden || isBusy()) return true;
  const { assignment, csrfmiddlewaretoken: token } = form.elements;
  const body = new URLSearchParams({ assignment: assignment.value, [token.name]: token.value });
  const headers = { "X-Requested-With": "fetch" };
  const response = await fetch(form.dataset.renew, { method: "POST", headers, body });
  if (PASSES_BY.includes(response.status)) throw new Error(`status ${response.status}`);
  if (GIVEN_AWAY.includes(response.status)) {
    const { error, detail, next } = await response.json();
    if (!isBusy()) showNotice(form, error ?? detail, next ?? form.action);
  }
  // Any other failure would be the same in a minute; sending the answer says what is wrong.
  return response.ok;
}

export async function holdLease(form, isBusy) {
  let failures = 0;
  while (failures < MOST_FAILURES) {
    // A line that is down for a while is no reason to say anything.
    await new Promise((resolve) => setTimeout(resolve, RENEW_MILLISECONDS * 2 ** Math.min(failures, 3)));
    try {
      if (!(await renew(form, isBusy))) return;
      failures = 0;
    } catch {
      failures += 1;
    }
  }
}
