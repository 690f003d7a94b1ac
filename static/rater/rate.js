// The rating page: puts the modules together.

import { loadAhead } from "./ahead.js";
import { showMissing } from "./answers.js";
import { suggestBreak } from "./break.js";
import { choose, tick } from "./choosing.js";
import { keepDraft, restoreDraft } from "./drafts.js";
import { countPage } from "./facts.js";
import { Gate } from "./gate.js";
import { listenToKeys } from "./keys.js";
import { holdLease } from "./lease.js";
import { showPictures } from "./pictures.js";
import { showVideos } from "./player.js";
import { Submitting } from "./submitting.js";

const form = document.querySelector("[data-rate]");
const stage = document.querySelector("[data-stage]");
const gate = new Gate(form);

const player = stage.dataset.kind === "image" ? showPictures(stage, gate) : showVideos(stage, gate);
const pageFacts = countPage(form);
const submitting = new Submitting(form, { gate, facts: () => ({ ...player.facts(), ...pageFacts() }) });

const ifOpen = (action) => () => {
  if (submitting.busy) return;
  if (gate.isOpen) action();
  else gate.remind();
};
const goBack = () => document.querySelector("[data-back]")?.click();
const repeating = (action) => action && Object.assign(action, { repeats: true });

const keys = {
  arrowleft: ifOpen(() => choose(form, "left")),
  arrowright: ifOpen(() => choose(form, "right")),
  t: ifOpen(() => choose(form, "tie")),
  enter: () => submitting.submit(),
  b: goBack,
  x: player.actions.switch,
  v: player.actions.wipe,
  "+": player.actions.closer,
  "=": player.actions.closer,
  "-": player.actions.farther,
  "0": player.actions.whole,
  w: repeating(player.actions.up),
  a: repeating(player.actions.leftward),
  d: repeating(player.actions.rightward),
  " ": player.actions.play,
  r: player.actions.restart,
  s: player.actions.speed ?? repeating(player.actions.down),
  l: player.actions.loop,
  m: stage.querySelector("[data-action=sound]") ? player.actions.sound : undefined,
  ",": repeating(player.actions.back),
  ".": repeating(player.actions.forward),
};
for (let digit = 1; digit <= 9; digit++) keys[digit] = ifOpen(() => tick(form, digit));
listenToKeys(keys);

const answerChanged = () => {
  keepDraft(form);
  showMissing(form);
};
form.addEventListener("change", answerChanged);
form.addEventListener("input", answerChanged);
form.addEventListener("gate-open", () => showMissing(form));

const wasOnItsWay = restoreDraft(form);
if (gate.isOpen) showMissing(form);
if (wasOnItsWay) submitting.submit();
if (form.dataset.renew) holdLease(form, () => submitting.busy);
stage.addEventListener("stage-ready", () => loadAhead(form), { once: true });
suggestBreak(form);
