// Keep the comparison while its page is in view; say calmly when it was given to somebody else.

import { showNotice } from "./notice.js";

const RENEW_MILLISECONDS = 60_000;

async function renew(form, isBusy) {
  if (document.hidden || isBusy()) return;
  const { assignment, csrfmiddlewaretoken: token } = form.elements;
  const body = new URLSearchParams({ assignment: assignment.value, [token.name]: token.value });
  const headers = { "X-Requested-With": "fetch" };
  const response = await fetch(form.dataset.renew, { method: "POST", headers, body });
  if (response.status !== 409 && response.status !== 404) return;
  const { error, next } = await response.json();
  clearInterval(form.renewing);
  if (!isBusy()) showNotice(form, error, next ?? form.action);
}

export function holdLease(form, isBusy) {
  // A line that is down for a while is no reason to say anything: the next minute tries again.
  form.renewing = setInterval(() => renew(form, isBusy).catch(() => {}), RENEW_MILLISECONDS);
}
