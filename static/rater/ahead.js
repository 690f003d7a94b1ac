// Load the next comparison's clips while this one is judged: into the browser's cache, not into memory.

async function addressesAhead(form) {
  const { csrfmiddlewaretoken: token } = form.elements;
  const headers = { "X-Requested-With": "fetch" };
  const body = new URLSearchParams({ [token.name]: token.value });
  const response = await fetch(form.dataset.ahead, { method: "POST", headers, body });
  if (response.status !== 200) return [];
  const { clips } = await response.json();
  return Object.values(clips);
}

async function intoCache(address) {
  const response = await fetch(address, { priority: "low" });
  // Read to the end, so that the cache has it whole; each piece is let go at once.
  for (const reader = response.body.getReader(); !(await reader.read()).done; );
}

export async function loadAhead(form) {
  if (!form.dataset.ahead) return;
  try {
    await Promise.all((await addressesAhead(form)).map(intoCache));
  } catch {
    // Nothing is lost: the next page loads its clips itself.
  }
}
