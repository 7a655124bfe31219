// The list: a key leads to the search, arrows from entry to entry.

const words = document.getElementById("words");
document.getElementById("recipe")?.addEventListener("change", (event) => event.target.form.submit());
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/" && document.activeElement !== words) {
    event.preventDefault();
    words.select();
  }
  const entries = [...document.querySelectorAll("a.entry")];
  const step = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
  if (!step || document.activeElement.matches("input, select")) return;
  event.preventDefault();
  const at = entries.indexOf(document.activeElement);
  entries[Math.max(0, Math.min(entries.length - 1, at + step))]?.focus();
});
