// The button that copies what stands beside it. Without scripts the text is there to select.

async function copyText(button, source, said) {
  try {
    await navigator.clipboard.writeText(source.textContent.trim());
    said.textContent = button.dataset.said ?? "Copied";
  } catch {
    getSelection().selectAllChildren(source);
    said.textContent = button.dataset.selected ?? "Selected: copy it with your keyboard or menu";
  }
}

export function offerCopy(part) {
  const button = part.querySelector("[data-copy]");
  if (button === null) return;
  const source = part.querySelector("[data-copy-source]");
  const said = part.querySelector("[data-copy-said]");
  button.hidden = false;
  button.addEventListener("click", () => copyText(button, source, said));
}

offerCopy(document);
