// Single keys for everything; they rest while somebody writes, and can be switched off.

const SWITCH = "juice:keys";
const WRITING = "textarea, select, input:not([type=radio], [type=checkbox], [type=range])";
const OWN_ENTER = "a, button, summary";
const OWN_SPACE = "a, button, summary, [type=checkbox]:focus-visible, [type=radio]:not(:checked):focus-visible";
const OWN_EVERYTHING = ".skip-box";
const OWN_ARROWS = "[type=range]";

function isTaken(key, target) {
  if (target.matches(WRITING) || target.closest(OWN_EVERYTHING)) return true;
  if (key === "Enter") return target.matches(OWN_ENTER);
  if (key === " ") return target.matches(OWN_SPACE);
  return key.startsWith("Arrow") && target.matches(OWN_ARROWS);
}

function setSwitch(button, on) {
  button.setAttribute("aria-pressed", String(on));
  document.documentElement.classList.toggle("keys-off", !on);
  localStorage.setItem(SWITCH, on ? "on" : "off");
}

/** `actions` maps a key, in lower case, to what it does. */
export function listenToKeys(actions) {
  const button = document.querySelector("[data-keys-switch]");
  const isOn = () => button.getAttribute("aria-pressed") === "true";
  button.hidden = false;
  setSwitch(button, localStorage.getItem(SWITCH) !== "off");
  button.addEventListener("click", () => setSwitch(button, !isOn()));
  document.addEventListener("keydown", (event) => {
    const action = actions[event.key.toLowerCase()];
    if (!action || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (!isOn() || isTaken(event.key, event.target)) return;
    event.preventDefault();
    if (!event.repeat || action.repeats) action();
  });
}
