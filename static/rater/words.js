// Every sentence that scripts say, in one place.

const seconds = (value) => `${value.toFixed(1)} s`;

export const words = {
  saved: "Saved",
  saving: "Saving…",
  unsent: "Not sent yet. Kept on this device; trying again",
  outOfDate: "This could not be saved because the page is out of date. Load it again; your answer is kept on this device.",
  leave: "Your last answer is not sent yet.",
  loadAgain: "Load again",
  textShown: "Saved. Now the text is shown.",
  choose: "Both clips seen. You can choose now.",
  toWatch: (left) => `Watch both clips once: ${seconds(left)} left`,
  loading: "The clips are loading.",
  failed: "Choices open when the clips have loaded and were seen once.",
  blocked: "Press Play to start both clips.",
  missing: (parts) => `Still missing: ${parts.join("; ")}`,
  choiceFor: (number) => `a choice for ${number}`,
  reasonFor: (number) => `a reason for ${number}`,
  bothFor: (number) => `a choice and a reason for ${number}`,
  chosen: (label) => `${label} chosen`,
  ticked: (label, on) => (on ? `${label} ticked` : `${label} not ticked`),
  clock: (now, total) => `${now.toFixed(1)} / ${total.toFixed(1)} s`,
};
