// Every sentence that scripts say, in the page's language: see annotations/views/words.py.

const language = document.documentElement.lang;
const texts = JSON.parse(document.getElementById("words").textContent);

const tenths = new Intl.NumberFormat(`${language}-u-nu-latn`, {
  minimumFractionDigits: 1,
  maximumFractionDigits: 1,
});
const list = new Intl.ListFormat(language);

const fill = (name, values) => texts[name].replace(/\{(\w+)\}/g, (_, key) => values[key]);

export const words = {
  ...texts,
  toWatch: (left) => fill("toWatch", { seconds: tenths.format(left) }),
  missing: (parts) => fill("missing", { parts: list.format(parts) }),
  choiceFor: (number) => fill("choiceFor", { number }),
  reasonFor: (number) => fill("reasonFor", { number }),
  bothFor: (number) => fill("bothFor", { number }),
  lineDown: (seconds) => fill("lineDown", { seconds }),
  serverBusy: (seconds) => fill("serverBusy", { seconds }),
  chosen: (label) => fill("chosen", { label }),
  ticked: (label, on) => fill(on ? "ticked" : "unticked", { label }),
  clock: (now, total) => fill("clock", { now: tenths.format(now), total: tenths.format(total) }),
};
