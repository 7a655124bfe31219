// Memory over the last day, drawn as SVG: the model's process, what the machine has left, and the model's state below.

const NS = "http://www.w3.org/2000/svg";
const LEFT = 56, RIGHT = 8, PANEL = 104, GAP = 34, STRIP = 10;
const SHORTEST = 600; // seconds
const EVERY = 10_000; // milliseconds between two looks
const place = document.getElementById("charts");
let width = 0, told = null;

function node(name, attributes, text) {
  const made = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

const size = (bytes) => (bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.round(bytes / 1e6)} MB`);
const clock = (seconds) => new Date(seconds * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

// A round number at least as large as the largest value.
function ceiling(value) {
  const step = 10 ** Math.floor(Math.log10(Math.max(value, 1e6)));
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((factor) => factor * step).find((top) => top >= value) ?? 10 * step;
}

function panel(svg, top, title, points, across, kind) {
  const high = ceiling(Math.max(...points.map(([, value]) => value ?? 0)));
  const down = (value) => top + PANEL - (value / high) * PANEL;
  for (const share of [0, 0.5, 1]) {
    const y = down(share * high);
    svg.append(node("line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: y, y2: y }));
    svg.append(node("text", { x: LEFT - 8, y: y + 4, "text-anchor": "end" }, share ? size(share * high) : "0"));
  }
  svg.append(node("text", { class: "title", x: LEFT, y: top - 9 }, title));
  const path = points.map(([time, value], index) => `${index ? "L" : "M"}${across(time).toFixed(1)} ${down(value ?? 0).toFixed(1)}`).join("");
  const ends = [points[0][0], points.at(-1)[0]].map((time) => across(time).toFixed(1));
  if (kind === "area") svg.append(node("path", { class: "area", d: `${path}L${ends[1]} ${top + PANEL}L${ends[0]} ${top + PANEL}Z` }));
  svg.append(node("path", { class: kind === "area" ? "curve" : "curve other", d: path }));
}

function states(svg, top, samples, end, across) {
  samples.forEach((sample, index) => {
    const until = samples[index + 1]?.time ?? end;
    const length = Math.max(1, across(until) - across(sample.time));
    const bar = node("rect", { class: `state ${sample.state}`, x: across(sample.time), y: top, width: length, height: STRIP });
    bar.append(node("title", {}, `${clock(sample.time)}: ${sample.state}`));
    svg.append(bar);
  });
}

function ticks(svg, y, start, end, across) {
  const span = end - start;
  const step = [60, 300, 900, 1800, 3600, 7200, 10800, 21600].find((seconds) => span / seconds <= width / 90) ?? 21600;
  for (let time = Math.ceil(start / step) * step; time <= end; time += step) {
    svg.append(node("text", { x: across(time), y, "text-anchor": "middle" }, clock(time)));
  }
}

function draw({ samples, marks }) {
  if (samples.length < 2) {
    place.replaceChildren(Object.assign(document.createElement("p"), { className: "muted", textContent: "Nothing has been noted yet: the daemon keeps a day of figures while it runs." }));
    return;
  }
  width = Math.max(280, place.clientWidth);
  const end = Math.max(Date.now() / 1000, samples.at(-1).time), start = Math.min(end - SHORTEST, Math.max(samples[0].time, end - 24 * 3600));
  const seen = samples.filter((sample) => sample.time >= start);
  const until = (index) => seen[index + 1]?.time ?? end;
  // Where nothing is loaded, nothing is used until the next sample.
  const curve = (key) => seen.flatMap((sample, index) =>
    sample[key] === null || index === seen.length - 1 ? [[sample.time, sample[key]], [until(index), sample[key]]] : [[sample.time, sample[key]]]);
  const across = (time) => LEFT + ((time - start) / Math.max(1, end - start)) * (width - LEFT - RIGHT);
  const second = 22 + PANEL + GAP, strip = second + PANEL + 12;
  const most = Math.max(...seen.map((sample) => sample.footprint_bytes ?? 0));
  const loads = marks.filter((mark) => mark.what === "loading").length;
  const label = `Memory since ${clock(start)}: the model took at most ${size(most)}; it was loaded ${loads} times; ${size(samples.at(-1).available_bytes ?? 0)} are available now.`;
  const svg = node("svg", { viewBox: `0 0 ${width} ${strip + STRIP + 20}`, role: "img", "aria-label": label });
  panel(svg, 22, "The model's process", curve("footprint_bytes"), across, "area");
  panel(svg, second, "Available on this machine", curve("available_bytes"), across, "line");
  for (const mark of marks.filter((one) => one.time >= start && one.time <= end)) {
    const x = across(mark.time), line = node("line", { class: `mark ${mark.what}`, x1: x, x2: x, y1: 22, y2: strip });
    line.append(node("title", {}, `${clock(mark.time)}: ${mark.what}${mark.reason ? ` (${mark.reason})` : ""}`));
    svg.append(line);
  }
  states(svg, strip, seen, end, across);
  ticks(svg, strip + STRIP + 16, start, end, across);
  place.replaceChildren(svg, legend());
}

function legend() {
  const line = Object.assign(document.createElement("p"), { className: "legend" });
  for (const [kind, words] of [["cold", "not in memory"], ["loading", "loading, unloading"], ["warm", "ready"], ["busy", "reading"], ["blocked", "held back"]]) {
    const part = document.createElement("span"), dot = document.createElement("span");
    dot.className = `dot ${kind}`;
    part.append(dot, words);
    line.append(part);
  }
  return line;
}

async function look() {
  if (document.hidden) return;
  try {
    told = await (await fetch("/history")).json();
    draw(told);
  } catch { /* the page says that it is not served any more */ }
}

setInterval(look, EVERY);
document.addEventListener("visibilitychange", look);
new ResizeObserver(() => place.clientWidth !== width && told && draw(told)).observe(place);
look();
