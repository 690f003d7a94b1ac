// Play the two clips of an example together, from the start.

for (const button of document.querySelectorAll("[data-lesson-play]")) {
  const videos = [...button.closest(".lesson").querySelectorAll("video")];
  button.hidden = false;
  button.addEventListener("click", () => {
    for (const video of videos) {
      video.currentTime = 0;
      video.play().catch(() => {});
    }
  });
}
