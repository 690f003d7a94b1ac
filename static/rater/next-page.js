// What the rating page waits for before it is painted, fetched when this page stands: earlier it
// would delay this one.

const parts = document.querySelector("template[data-next-page]");

addEventListener("load", () => document.head.append(parts.content));
