// Loaded before the page is painted, so that what needs scripts takes its place at once.
document.documentElement.classList.add("scripts");
