// On every page: files dropped or pasted anywhere, and buttons that ask the server for something without leaving it.

const curtain = document.getElementById("curtain");
const toasts = document.getElementById("toasts");

export function say(text, bad = false) {
  const line = document.createElement("p");
  line.textContent = text;
  line.classList.toggle("bad", bad);
  toasts.append(line);
  setTimeout(() => line.remove(), bad ? 9000 : 4000);
}

function row(name) {
  const list = document.getElementById("sending");
  const line = document.createElement("li");
  const label = document.createElement("span");
  const bar = document.createElement("progress");
  label.textContent = name;
  label.className = "name";
  bar.max = 1;
  line.append(label, bar);
  list?.prepend(line);
  return { line, bar };
}

function send(file) {
  const name = file.name || "pasted.png";
  const { line, bar } = row(name);
  return new Promise((done) => {
    const request = new XMLHttpRequest();
    const recipe = document.getElementById("recipe")?.value ?? "";
    request.open("POST", `/drop?name=${encodeURIComponent(name)}&recipe=${encodeURIComponent(recipe)}`);
    request.setRequestHeader("Accept", "application/json");
    request.upload.onprogress = (event) => (bar.value = event.loaded / Math.max(1, event.total));
    request.onloadend = () => {
      let said = "";
      try { said = JSON.parse(request.responseText).said; } catch { /* no answer at all */ }
      say(said || `${name} did not arrive.`, request.status !== 200);
      line.remove();
      done();
    };
    request.send(file);
  });
}

async function sendAll(files) {
  for (const file of files) await send(file);
}

// The server ends when nobody looks any more; whoever reads a page for long still does.
setInterval(() => fetch("/alive").catch(() => {}), 120_000);

const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
addEventListener("dragenter", (event) => { if (hasFiles(event)) { event.preventDefault(); curtain.hidden = false; } });
addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
addEventListener("dragleave", (event) => { if (!event.relatedTarget) curtain.hidden = true; });
addEventListener("drop", (event) => {
  if (!hasFiles(event)) return;
  event.preventDefault();
  curtain.hidden = true;
  sendAll(event.dataTransfer.files);
});
addEventListener("paste", (event) => event.clipboardData?.files.length && sendAll(event.clipboardData.files));
document.getElementById("chosen")?.addEventListener("change", (event) => {
  sendAll([...event.target.files]);
  event.target.value = "";
});

addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("[data-act]")) return;
  event.preventDefault();
  const button = form.querySelector("button");
  button.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(form.action, { method: "POST", headers: { Accept: "application/json" } });
    say((await answer.json()).said, !answer.ok);
  } catch {
    say("The page is not served any more; open it again with: dropscribe web", true);
  }
  button.removeAttribute("aria-busy");
});
