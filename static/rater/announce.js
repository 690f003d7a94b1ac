// Say something to people who listen to the page.

const region = document.querySelector("[data-announce]");

export function announce(text) {
  region.textContent = "";
  requestAnimationFrame(() => {
    region.textContent = text;
  });
}
