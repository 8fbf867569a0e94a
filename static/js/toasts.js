// Toasts: results stay at least six seconds, wait under pointer and focus, errors stay until they are closed.
import { element, icon, text } from "console/common";

const LASTS = 6000;
const MOST = 5;
const ICONS = { info: "info", success: "circle-check", warn: "triangle-alert", error: "circle-x" };
const LEVELS = { warning: "warn", debug: "info" };

const region = document.getElementById("toasts");
const home = region?.parentElement;

function close(toast) {
  const hadFocus = toast.contains(document.activeElement);
  toast.remove();
  if (hadFocus) document.getElementById("main")?.focus({ preventScroll: true });
}

// A toast waits while somebody reads it: the clock starts again when pointer and focus have left.
function live(toast) {
  toast.querySelector("[data-toast-close]")?.addEventListener("click", () => close(toast));
  if (toast.classList.contains("error")) return;
  let timer = setTimeout(() => close(toast), LASTS);
  const wait = () => clearTimeout(timer);
  const go = () => {
    clearTimeout(timer);
    if (!toast.matches(":hover, :focus-within")) timer = setTimeout(() => close(toast), LASTS / 2);
  };
  toast.addEventListener("pointerenter", wait);
  toast.addEventListener("focusin", wait);
  toast.addEventListener("pointerleave", go);
  toast.addEventListener("focusout", () => setTimeout(go));
}

export function toast({ level = "info", text: words, code = "", url = "", label = "" }) {
  if (!region || !words) return;
  const kind = LEVELS[level] ?? (ICONS[level] ? level : "info");
  const list = region.querySelector(kind === "error" ? "[data-toasts=alert]" : "[data-toasts=polite]");
  // The same sentence twice is one toast that says how often.
  const same = [...region.querySelectorAll("[data-toast]")].find(
    (one) => one.dataset.words === words && one.classList.contains(kind),
  );
  if (same) {
    const times = Number(same.dataset.times ?? 1) + 1;
    same.dataset.times = times;
    let count = same.querySelector(".toast-times");
    if (!count) same.querySelector(".toast-text").append(" ", (count = element("span", { class: "toast-times" })));
    count.textContent = `×${times}`;
    return;
  }
  const made = element("div", { class: `toast ${kind}`, "data-toast": true, "data-code": code || null, "data-words": words },
    icon(ICONS[kind]),
    element("p", { class: "toast-text" }, words),
    element("button", { class: "toast-close", type: "button", "aria-label": text("dismiss"), "data-toast-close": true }, icon("x")),
  );
  if (url && new URL(url, location.href).origin === location.origin) {
    made.append(element("div", { class: "toast-actions" }, element("a", { class: "btn small", href: url }, label || text("open"))));
  }
  list.append(made);
  const old = [...list.children];
  for (const extra of old.slice(0, Math.max(0, old.length - MOST))) extra.remove();
  live(made);
}

// A modal dialog makes the rest of the page inert, so the region moves into it while it is open.
export function placeToasts() {
  if (!region) return;
  const open = [...document.querySelectorAll("dialog[open]")].at(-1);
  const place = open ?? home;
  if (region.parentElement !== place) place.append(region);
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.defaultPrevented || document.querySelector("dialog[open], details[data-menu][open]")) return;
  const last = [...(region?.querySelectorAll("[data-toast]") ?? [])].at(-1);
  if (last) {
    close(last);
    event.preventDefault();
  }
});

// `HX-Trigger: {"toast": {…}}`
document.body.addEventListener("toast", (event) => toast(event.detail ?? {}));

for (const one of region?.querySelectorAll("[data-toast]") ?? []) {
  // Django's messages come with the page: its level names are not ours.
  for (const [theirs, ours] of Object.entries(LEVELS)) {
    if (one.classList.replace(theirs, ours)) break;
  }
  live(one);
}
