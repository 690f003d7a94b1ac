// Bring both clips to the stage at the same moment, or say that they could not be loaded.

import { fitShape, guessShape } from "./frame.js";
import { ClipGone } from "./loading.js";

export async function fillStage(stage, pictures, load) {
  const failure = stage.querySelector("[data-failure]");
  guessShape(stage);
  for (;;) {
    try {
      await load(pictures);
      break;
    } catch (error) {
      // The clips are no longer this rater's: the page itself gives out what is.
      if (error instanceof ClipGone && failure.dataset.tried) location.reload();
      await retryAsked(failure);
    }
  }
  fitShape(stage, pictures);
  stage.toggleAttribute("data-ready", true);
  stage.dispatchEvent(new Event("stage-ready"));
}

function retryAsked(failure) {
  failure.hidden = false;
  failure.dispatchEvent(new Event("load-failed", { bubbles: true }));
  failure.dataset.tried = "yes";
  return new Promise((resolve) => {
    const retry = () => {
      failure.hidden = true;
      failure.dispatchEvent(new Event("load-tried", { bubbles: true }));
      resolve();
    };
    failure.querySelector("[data-retry]").addEventListener("click", retry, { once: true });
  });
}
