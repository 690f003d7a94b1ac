// Keep what was answered but not saved on this device, so that a reload or a lost line loses nothing.

const PREFIX = "juice:draft:";
const KEPT = /^(choice|reason|note)-/;

const keyOf = (form) => PREFIX + form.dataset.assignment + (form.hasAttribute("data-revision") ? ":again" : "");
const answersIn = (form) => [...new FormData(form)].filter(([name]) => KEPT.test(name));

export function keepDraft(form, { unsent = false } = {}) {
  const { stage, submission_id: id } = form.elements;
  const draft = { stage: stage.value, id: id.value, unsent, answers: answersIn(form) };
  sessionStorage.setItem(keyOf(form), JSON.stringify(draft));
}

export function dropDraft(form) {
  sessionStorage.removeItem(keyOf(form));
}

/** Fill the form from the draft of the same stage; whether it was on its way when the page went. */
export function restoreDraft(form) {
  const draft = JSON.parse(sessionStorage.getItem(keyOf(form)) ?? "null");
  if (draft?.stage !== form.elements.stage?.value) return false;
  for (const [name, value] of draft.answers) fill(form.querySelectorAll(`[name="${CSS.escape(name)}"]`), value);
  if (draft.unsent) form.elements.submission_id.value = draft.id;
  return draft.unsent;
}

function fill(fields, value) {
  for (const field of fields) {
    if (field.type === "textarea") {
      field.value = value;
      field.closest("details").open = value !== "";
    } else if (field.value === value) {
      field.checked = true;
    }
  }
}
