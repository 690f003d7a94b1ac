// The button that copies the completion code. Without scripts the code is there to select.

const button = document.querySelector("[data-copy]");
const code = document.querySelector("[data-copy-source]");
const said = document.querySelector("[data-copy-said]");

async function copyCode() {
  try {
    await navigator.clipboard.writeText(code.textContent.trim());
    said.textContent = button.dataset.said;
  } catch {
    getSelection().selectAllChildren(code);
    said.textContent = button.dataset.selected;
  }
}

if (button) {
  button.hidden = false;
  button.addEventListener("click", copyCode);
}
