// A page beside its text: lines and boxes light up together, keys turn pages, copy, and lead to what is to be checked.

import { say } from "/static/drop.js";

const reading = document.getElementById("reading");
const sheet = document.querySelector(".sheet");
const source = document.getElementById("source");
let lit = null;

function light(block, scroll) {
  if (block === lit) return;
  document.querySelectorAll(".lit").forEach((part) => part.classList.remove("lit"));
  lit = block;
  if (block === null) return;
  const parts = document.querySelectorAll(`[data-block="${CSS.escape(block)}"]`);
  parts.forEach((part) => part.classList.add("lit"));
  for (const part of parts) {
    const other = part.closest(".sheet") ? "picture" : "text";
    if (scroll === other) part.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
}

const blockOf = (target) => target.closest?.("[data-block]")?.dataset.block ?? null;
reading?.addEventListener("pointerover", (event) => light(blockOf(event.target), "picture"));
sheet?.addEventListener("pointerover", (event) => light(blockOf(event.target), null));
sheet?.addEventListener("click", (event) => {
  const block = blockOf(event.target);
  if (block !== null) reading?.querySelector(`[data-block="${CSS.escape(block)}"]`)?.scrollIntoView({ block: "center" });
});

function walk(step) {
  const lines = [...new Set([...reading.querySelectorAll("[data-block]")].map((line) => line.dataset.block))];
  const at = lines.indexOf(lit);
  const next = lines[Math.max(0, Math.min(lines.length - 1, at + step))];
  if (next === undefined) return;
  light(next, "picture");
  reading.querySelector(`[data-block="${CSS.escape(next)}"]`).scrollIntoView({ block: "nearest" });
}

async function copy() {
  const text = source.value;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    source.hidden = false;
    source.select();
    document.execCommand("copy");
    source.hidden = true;
  }
  say("Copied.");
}

document.getElementById("copy")?.addEventListener("click", copy);
document.getElementById("zoom")?.addEventListener("click", (event) => {
  const larger = document.getElementById("paper").classList.toggle("larger");
  event.target.setAttribute("aria-pressed", larger);
  event.target.textContent = larger ? "Smaller" : "Larger";
});
document.querySelector('.pages input[type="number"]')?.addEventListener("change", (event) => event.target.form.submit());
document.getElementById("picture")?.addEventListener("error", async (event) => {
  const answer = await fetch(event.target.src, { headers: { Accept: "application/json" } });
  const line = document.createElement("p");
  line.className = "empty";
  line.textContent = answer.ok ? "The picture could not be shown." : (await answer.json()).said;
  sheet.replaceChildren(line);
});

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea, select")) return;
  if (event.target === reading && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
    event.preventDefault();
    walk(event.key === "ArrowDown" ? 1 : -1);
    return;
  }
  document.querySelector(`[data-key="${CSS.escape(event.key)}"]:not([aria-disabled])`)?.click();
});
