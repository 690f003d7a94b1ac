// What happened and the one way on, in the place of the questions.

export function showNotice(form, text, url, label) {
  const notice = document.querySelector("[data-notice]").content.cloneNode(true);
  const link = notice.querySelector("[data-notice-link]");
  notice.querySelector("[data-notice-text]").textContent = text;
  link.href = url;
  if (label) link.textContent = label;
  form.querySelector("[data-questions]").replaceChildren(notice);
  form.querySelector(".refused").focus();
}
