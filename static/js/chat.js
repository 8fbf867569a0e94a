// Writing and reading a conversation: the transcript stays at its end, Enter sends, internal and public look different.
import { element, icon, text } from "console/common";
import { confirmation } from "console/dialogs";

// ---- transcript ----

const logs = () => [...document.querySelectorAll("[data-log]")];
const atEnd = (log) => log.scrollHeight - log.scrollTop - log.clientHeight < 48;
const lines = (log) => log.querySelectorAll(".line").length;
const before = new Map();

function toEnd(log) {
  log.scrollTop = log.scrollHeight;
  log.querySelector("[data-log-more]")?.remove();
}

function offerEnd(log) {
  if (log.querySelector("[data-log-more]")) return;
  const button = element("button", { class: "live-chip log-more", type: "button", "data-log-more": true }, icon("arrow-down", "s"), element("span", {}, text("new_messages")));
  button.addEventListener("click", () => toEnd(log));
  log.append(button);
}

document.addEventListener("htmx:beforeSwap", () => {
  for (const log of logs()) before.set(log.id || "log", { end: atEnd(log), lines: lines(log) });
});
document.addEventListener("htmx:afterSwap", () => {
  for (const log of logs()) {
    const was = before.get(log.id || "log");
    if (!was || was.end) toEnd(log);
    else if (lines(log) > was.lines) offerEnd(log);
  }
  for (const form of document.querySelectorAll("[data-composer]")) paint(form);
});
document.addEventListener("scroll", (event) => {
  if (event.target instanceof Element && event.target.matches("[data-log]") && atEnd(event.target)) event.target.querySelector("[data-log-more]")?.remove();
}, true);

// ---- composer ----

const agreed = new Set();

function paint(form) {
  const mode = form.querySelector("[data-mode]:checked")?.value;
  if (mode) form.dataset.mode = mode;
  const note = form.querySelector("[data-composer-note]");
  const words = mode === "public" && form.querySelectorAll("[data-mode]").length > 1 ? text("public_mode") : "";
  if (note && note.textContent !== words) note.textContent = words;
}

document.addEventListener("change", async (event) => {
  const form = event.target.matches?.("input[data-mode]") && event.target.closest("[data-composer]");
  if (!form) return;
  const question = form.dataset.confirmPublic;
  const key = form.getAttribute("action");
  if (event.target.value === "public" && question && !agreed.has(key)) {
    if (await confirmation(question)) agreed.add(key);
    else {
      const internal = form.querySelector('input[data-mode][value="internal"]');
      if (internal) internal.checked = true;
    }
  }
  paint(form);
  form.querySelector("textarea")?.focus();
});

document.addEventListener("keydown", (event) => {
  const field = event.target instanceof HTMLTextAreaElement ? event.target : null;
  const form = field?.closest("[data-composer]");
  if (!form || event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  if (field.value.trim() && !form.classList.contains("htmx-request") && !event.repeat) form.requestSubmit();
});

document.addEventListener("htmx:afterRequest", (event) => {
  const form = event.detail.elt.closest?.("[data-composer]");
  if (!form || !event.detail.successful || event.detail.requestConfig?.verb === "get") return;
  const key = form.querySelector("input[name=client_key]");
  if (key) key.value = crypto.randomUUID?.() ?? "";
  const field = form.querySelector("textarea");
  if (field) {
    // What was written while the line was on its way stays.
    const sent = String(event.detail.requestConfig?.parameters?.[field.name] ?? field.value);
    field.value = field.value.startsWith(sent) ? field.value.slice(sent.length) : field.value;
    if (!document.querySelector("dialog[open]")) field.focus({ preventScroll: true });
  }
  for (const log of logs()) before.set(log.id || "log", { end: true, lines: 0 });
  requestAnimationFrame(() => logs().forEach(toEnd));
});

for (const log of logs()) toEnd(log);
for (const form of document.querySelectorAll("[data-composer]")) paint(form);

// ---- typing ----

const TYPING_EVERY = 3000; // ms between two words that one is typing
const TYPING_LASTS = 5000; // ms for which such a word is believed
let saidAt = 0;

// The address beside that of the lines; said now and then, and if it gets lost nothing is lost.
document.addEventListener("input", (event) => {
  const form = event.target instanceof HTMLTextAreaElement ? event.target.closest("[data-composer]") : null;
  if (!form || !event.target.value.trim() || Date.now() - saidAt < TYPING_EVERY) return;
  saidAt = Date.now();
  const mode = form.querySelector("[data-mode]:checked, input[type=hidden][name=mode]")?.value ?? "public";
  const { "X-CSRFToken": token } = JSON.parse(document.body.getAttribute("hx-headers"));
  const url = form.getAttribute("action").replace(/messages\/$/, "typing/");
  fetch(url, { method: "POST", headers: { "X-CSRFToken": token, "HX-Request": "true" }, body: new URLSearchParams({ mode }) }).catch(() => {});
});
document.addEventListener("htmx:beforeRequest", (event) => { if (event.detail.elt.matches?.("[data-composer]")) saidAt = 0; });

const typists = new Map(); // name → until when

function paintTyping(place) {
  for (const [name, until] of typists) if (until <= Date.now()) typists.delete(name);
  const names = [...typists.keys()];
  const words = names.length ? text(names.length === 1 ? "typing_one" : "typing_many", { name: names.join(", ") }) : "";
  if (place && place.textContent !== words) place.textContent = words;
}

document.addEventListener("console:typing", ({ detail }) => {
  const find = () => document.querySelector(`[data-typing="${detail.conversation ?? "chat"}"]`);
  if (!find()) return;
  typists.set(detail.name, Date.now() + TYPING_LASTS);
  paintTyping(find());
  setTimeout(() => paintTyping(find()), TYPING_LASTS + 50);
});
// A line that has come was what they typed.
document.addEventListener("htmx:beforeSwap", () => { linesBefore = document.querySelectorAll("[data-log] .line").length; });
document.addEventListener("htmx:afterSwap", () => {
  if (document.querySelectorAll("[data-log] .line").length <= linesBefore) return;
  typists.clear();
  paintTyping(document.querySelector("[data-typing]"));
});
let linesBefore = 0;
