// The rating page: puts the modules together.

import { showMissing } from "./answers.js";
import { choose, tick } from "./choosing.js";
import { keepDraft, restoreDraft } from "./drafts.js";
import { countPage } from "./facts.js";
import { Gate } from "./gate.js";
import { listenToKeys } from "./keys.js";
import { holdLease } from "./lease.js";
import { loadImages } from "./loading.js";
import { showVideos } from "./player.js";
import { fillStage } from "./stage.js";
import { Submitting } from "./submitting.js";

const form = document.querySelector("[data-rate]");
const stage = document.querySelector("[data-stage]");
const gate = new Gate(form);

function showImages() {
  const images = [...stage.querySelectorAll("img")];
  fillStage(stage, images, loadImages).then(() => gate.open({ quietly: true }));
  return { actions: {}, facts: () => ({}) };
}

const player = stage.dataset.kind === "image" ? showImages() : showVideos(stage, gate);
const pageFacts = countPage(form);
const submitting = new Submitting(form, { gate, facts: () => ({ ...player.facts(), ...pageFacts() }) });

const ifOpen = (action) => () => {
  if (submitting.busy) return;
  if (gate.isOpen) action();
  else gate.remind();
};
const repeating = (action) => action && Object.assign(action, { repeats: true });

const keys = {
  arrowleft: ifOpen(() => choose(form, "left")),
  arrowright: ifOpen(() => choose(form, "right")),
  t: ifOpen(() => choose(form, "tie")),
  enter: () => submitting.submit(),
  " ": player.actions.play,
  r: player.actions.restart,
  s: player.actions.speed,
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
holdLease(form, () => submitting.busy);
