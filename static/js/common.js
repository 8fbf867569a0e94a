// What the modules share: translated sentences, the server's clock, symbols, kept choices.

const texts = JSON.parse(document.getElementById("ui-texts")?.textContent || "{}");

export function text(key, values = {}) {
  return (texts[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

// The server's clock, in milliseconds. The page says what time it was when the answer left; the socket says it better.
let offset = 0;

export function serverNow() {
  return Date.now() + offset;
}

export function setServerTime(iso, at = Date.now()) {
  const time = Date.parse(iso);
  if (!Number.isNaN(time)) offset = time - at;
}

const written = document.body.dataset.now;
if (written) {
  const entry = performance.getEntriesByType("navigation")[0];
  setServerTime(written, entry ? performance.timeOrigin + entry.responseStart : Date.now());
}

const sprite = document.querySelector("meta[name=console-sprite]")?.content ?? "";
const SVG = "http://www.w3.org/2000/svg";

export function icon(name, size = "") {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", `i ${size}`.trim());
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `${sprite}#i-${name}`);
  svg.append(use);
  return svg;
}

export function setIcon(svg, name) {
  const use = svg?.querySelector("use");
  const href = `${sprite}#i-${name}`;
  if (use && use.getAttribute("href") !== href) use.setAttribute("href", href);
}

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

export function kept(key) {
  try { return localStorage.getItem(`console.${key}`); } catch { return null; }
}

export function keep(key, value) {
  try {
    if (value === null) localStorage.removeItem(`console.${key}`);
    else localStorage.setItem(`console.${key}`, value);
  } catch { /* Kept for this page only. */ }
}

// JSON of an attribute; a broken one counts as absent.
export function data(source, name) {
  try { return JSON.parse(source?.dataset[name] || "null"); } catch { return null; }
}

export function isTyping(target) {
  return target instanceof Element && target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]") !== null;
}

export function isDialogOpen() {
  return document.querySelector("dialog[open]") !== null;
}
