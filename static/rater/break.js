// Suggest a break to who has been at it for long.

const SINCE = "juice:since";
const LAST = "juice:last";
const AWAY_MILLISECONDS = 5 * 60_000;

export function suggestBreak(form) {
  const minutes = Number(form.dataset.breakMinutes);
  const now = Date.now();
  const last = Number(sessionStorage.getItem(LAST));
  const since = Number(sessionStorage.getItem(SINCE));
  sessionStorage.setItem(LAST, now);
  if (!since || now - last > AWAY_MILLISECONDS) {
    sessionStorage.setItem(SINCE, now);
    return;
  }
  if (!minutes || now - since < minutes * 60_000) return;
  sessionStorage.setItem(SINCE, now);
  document.querySelector("[data-break]").showModal();
}
