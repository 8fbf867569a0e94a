// The report: selecting rows, the toolbar that says why not, the keyboard, the side panel. What is selected is kept by id
// and put back after every refresh.
import { data, element, icon, isDialogOpen, isTyping, keep, kept, text } from "console/common";

const selected = new Set();
let current = null; // id of the row that has the keyboard
let anchor = null; // where a range starts
let opened = document.querySelector("[data-panel-of]")?.dataset.panelOf ?? null; // id of the row in the side panel
let pointed = null; // the button whose reason is shown

const report = () => document.querySelector("[data-report]");
const rows = () => [...document.querySelectorAll("[data-row]")];
const rowOf = (id) => (id === null ? null : document.querySelector(`[data-row][data-id="${CSS.escape(id)}"]`));
const panel = document.getElementById("panel");

// ---- why not ----

function refusalOf(button) {
  const verb = button.dataset.verb;
  const root = report();
  if (selected.size === 0) return data(root, "noneRefusal") ?? { code: "nothing_selected", text: text("nothing_selected") };
  if (button.dataset.many) return null; // The server has an answer for each of them.
  if (selected.size > 1) return data(root, "multipleRefusal") ?? { code: "multiple_selected", text: text("multiple_selected") };
  const viewer = data(root, "viewerRefusal"); // whatever the row is, this person cannot
  if (viewer) return viewer;
  const row = rowOf([...selected][0]);
  const scope = data(root, "scope");
  if (scope && !scope.includes(Number(row?.dataset.queue))) return data(root, "scopeRefusal");
  const refusal = data(row, "refusals")?.[verb] ?? null;
  const own = verb === "monitor" && root?.dataset.viewerAgent && row?.dataset.agent === root.dataset.viewerAgent;
  return refusal ?? (own ? data(root, "ownRefusal") : null);
}

function paintToolbar() {
  let first = null;
  for (const button of document.querySelectorAll("[data-verb]")) {
    const refusal = refusalOf(button);
    if (refusal) {
      button.setAttribute("aria-disabled", "true");
      button.dataset.code = refusal.code;
      button.title = refusal.text;
      button.setAttribute("aria-description", refusal.text);
      first ??= refusal;
      if (button === pointed) first = refusal;
    } else {
      button.removeAttribute("aria-disabled");
      delete button.dataset.code;
      button.removeAttribute("title");
      button.removeAttribute("aria-description");
    }
  }
  if (pointed?.isConnected && pointed.dataset.code) first = { code: pointed.dataset.code, text: pointed.title };
  for (const why of document.querySelectorAll("[data-why]")) {
    if ((why.dataset.shown ?? "") === (first?.text ?? "") && why.childElementCount === (first ? 2 : 0)) continue;
    why.dataset.shown = first?.text ?? "";
    why.replaceChildren(...(first ? [icon("info", "s"), element("span", { title: first.text }, first.text)] : []));
  }
  for (const count of document.querySelectorAll("[data-selected-count]")) {
    const words = selected.size === 0 ? text("selected_none") : selected.size === 1 ? text("selected_one") : text("selected_many", { n: selected.size });
    if (count.textContent !== words) count.textContent = words;
    count.closest(".toolbar")?.classList.toggle("on", selected.size > 0);
  }
}

// ---- painting the selection ----

function paint() {
  const all = rows();
  if (!all.length && !report()) return;
  for (const id of [...selected]) if (!rowOf(id)) selected.delete(id);
  if (!rowOf(current)) current = all[0]?.dataset.id ?? null;
  for (const row of all) {
    const id = row.dataset.id;
    const is = selected.has(id);
    row.setAttribute("aria-selected", String(is));
    row.tabIndex = id === current ? 0 : -1;
    row.classList.toggle("open-row", id === opened);
    const box = row.querySelector("[data-select]");
    if (box) {
      box.checked = is;
      box.tabIndex = -1;
    }
    const link = row.querySelector("[data-open]");
    if (link) link.tabIndex = id === current ? 0 : -1;
  }
  const head = document.querySelector("[data-select-all]");
  if (head) {
    head.checked = all.length > 0 && selected.size === all.length;
    head.indeterminate = selected.size > 0 && selected.size < all.length;
  }
  paintToolbar();
}

function changed() {
  paint();
  document.dispatchEvent(new CustomEvent("console:selection", { detail: { selected: [...selected] } }));
}

function only(id) {
  selected.clear();
  selected.add(id);
  anchor = id;
}

function toggle(id) {
  if (!selected.delete(id)) selected.add(id);
  anchor = id;
}

function range(to) {
  const ids = rows().map((row) => row.dataset.id);
  const from = Math.max(0, ids.indexOf(anchor ?? to));
  const end = ids.indexOf(to);
  selected.clear();
  for (const id of ids.slice(Math.min(from, end), Math.max(from, end) + 1)) selected.add(id);
}

function move(id, { focus = true } = {}) {
  current = id;
  paint();
  const row = rowOf(id);
  if (focus && row) {
    row.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  }
}

// ---- pointer ----

document.addEventListener("mousedown", (event) => {
  if (event.shiftKey && event.target.closest("[data-row]")) event.preventDefault();
});
document.addEventListener("click", (event) => {
  const head = event.target.closest("[data-select-all]");
  if (head) {
    const all = rows();
    const fill = selected.size < all.length;
    selected.clear();
    if (fill) for (const row of all) selected.add(row.dataset.id);
    changed();
    return;
  }
  const row = event.target.closest("[data-row]");
  if (!row) return;
  const id = row.dataset.id;
  const box = event.target.closest("[data-select], .check");
  if (box) {
    // The label of the checkbox sends a second click to its input: only that one counts.
    if (!event.target.matches("[data-select]")) return;
    if (event.shiftKey) range(id);
    else toggle(id);
    current = id;
    changed();
    return;
  }
  const link = event.target.closest("[data-open]");
  if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    if (!selected.has(id) || selected.size > 1) only(id);
    current = id;
    changed();
    return;
  }
  if (event.target.closest("a, button, input, select, summary, label")) return;
  if (event.shiftKey) range(id);
  else if (event.ctrlKey || event.metaKey) toggle(id);
  else if (selected.size === 1 && selected.has(id)) selected.clear();
  else only(id);
  current = id;
  changed();
});
document.addEventListener("dblclick", (event) => {
  const row = event.target.closest("[data-row]");
  if (row && !event.target.closest("a, button, input, label")) open(row);
});

function open(row) {
  row?.querySelector("[data-open]")?.click();
}

// ---- toolbar ----

// Two presses on one verb of one row, as it stands, are one request.
let pressed = { what: "", key: "" };

function keyFor(url, version) {
  const what = `${url} ${version}`;
  if (pressed.what !== what) pressed = { what, key: crypto.randomUUID?.() ?? "" };
  return pressed.key;
}

function point(event) {
  const button = event.target instanceof Element ? event.target.closest("[data-verb]") : null;
  if (button === pointed) return;
  pointed = button;
  if (document.querySelector("[data-verb]")) paintToolbar();
}
document.addEventListener("pointerover", point);
document.addEventListener("focusin", point);

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-verb]");
  if (!button) return;
  event.preventDefault();
  const row = rowOf([...selected][0] ?? null);
  if (!row || button.getAttribute("aria-disabled") === "true") return;
  const many = button.dataset.many && new URLSearchParams([...selected].map((id) => [button.dataset.many, id]));
  const url = many ? `${button.dataset.url}?${many}` : button.dataset.url.replace(/\/0(?=\/|$)/, `/${row.dataset.id}`);
  const method = button.dataset.method ?? "dialog";
  if (method === "dialog") window.htmx.ajax("GET", url, { source: button, target: "#dialog-body", swap: "innerHTML" });
  else if (method === "post") window.htmx.ajax("POST", url, { source: button, swap: "none", values: { version: row.dataset.version, idempotency_key: keyFor(url, row.dataset.version) } });
  else location.assign(url);
});

// ---- keyboard ----

const singleKeys = () => kept("keys") !== "off";
const toggleKeys = document.querySelector("[data-keys-toggle]");
if (toggleKeys) {
  toggleKeys.checked = singleKeys();
  toggleKeys.addEventListener("change", () => keep("keys", toggleKeys.checked ? null : "off"));
}

function showShortcuts() {
  document.getElementById("shortcuts")?.showModal();
}
document.addEventListener("click", (event) => { if (event.target.closest("[data-shortcuts]")) showShortcuts(); });

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || isDialogOpen()) return;
  if (event.key === "Escape") {
    if (panel?.childElementCount) closePanel();
    else if (selected.size && !isTyping(event.target)) {
      selected.clear();
      changed();
    } else return;
    event.preventDefault();
    return;
  }
  if (!singleKeys() || isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "?") {
    showShortcuts();
    event.preventDefault();
    return;
  }
  const inside = event.target instanceof Element && event.target.closest("[data-row]");
  if (!inside && event.target !== document.body && event.target.id !== "main") return;
  const ids = rows().map((row) => row.dataset.id);
  if (!ids.length) return;
  const at = ids.indexOf(inside ? inside.dataset.id : current);
  const steps = { ArrowDown: at + (inside ? 1 : 0), ArrowUp: at - (inside ? 1 : 0), Home: 0, End: ids.length - 1, PageDown: at + 10, PageUp: at - 10 };
  if (event.key in steps) {
    if (!inside && (event.key === "Home" || event.key === "End" || event.key.startsWith("Page"))) return;
    const id = ids[Math.max(0, Math.min(ids.length - 1, steps[event.key]))];
    if (event.shiftKey) {
      anchor ??= inside ? inside.dataset.id : id;
      range(id);
      document.dispatchEvent(new CustomEvent("console:selection", { detail: { selected: [...selected] } }));
    }
    move(id);
    event.preventDefault();
  } else if (event.key === " " && inside && !event.target.closest("a, button, input")) {
    if (!event.repeat) {
      toggle(inside.dataset.id);
      changed();
    }
    event.preventDefault();
  } else if (event.key === "Enter" && inside && !event.target.closest("a, button")) {
    if (!event.repeat) {
      if (!selected.has(inside.dataset.id)) { only(inside.dataset.id); changed(); }
      open(inside);
    }
    event.preventDefault();
  }
});

document.addEventListener("focusin", (event) => {
  const row = event.target instanceof Element ? event.target.closest("[data-row]") : null;
  if (row && row.dataset.id !== current) move(row.dataset.id, { focus: false });
});

// ---- side panel ----

// The open conversation is part of the address, so that it can be shared and comes back after a reload.
function withOpened(path) {
  const url = new URL(path, location.href);
  if (opened === null) url.searchParams.delete("open");
  else url.searchParams.set("open", opened);
  return url.pathname + url.search;
}

function rememberOpened() {
  if (report()) history.replaceState(history.state, "", withOpened(location.href));
}

document.addEventListener("htmx:beforeHistoryUpdate", (event) => {
  const next = event.detail.history;
  if (report() && next?.path) next.path = withOpened(next.path);
});

function closePanel() {
  panel.replaceChildren();
  const row = rowOf(opened);
  opened = null;
  rememberOpened();
  paint();
  if (row) move(row.dataset.id);
}

document.addEventListener("click", (event) => { if (event.target.closest("[data-panel-close]")) closePanel(); });
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.target !== panel) return;
  const row = event.detail.elt.closest?.("[data-row]");
  if (row) opened = row.dataset.id;
  rememberOpened();
});

// ---- the view: filters, menus ----

// What was wrong with the address that was loaded is no longer said of another one.
document.addEventListener("htmx:pushedIntoHistory", () => document.querySelector("[data-ignored]")?.remove());

// A list too long to look through: its search stands there only where a script can answer it.
function showNarrowing() {
  for (const input of document.querySelectorAll("[data-narrow]")) input.hidden = false;
}
document.addEventListener("htmx:afterSettle", showNarrowing);
showNarrowing();
document.addEventListener("input", (event) => {
  if (!event.target.matches?.("[data-narrow]")) return;
  const wanted = event.target.value.trim().toLocaleLowerCase();
  for (const label of document.querySelectorAll(`${event.target.dataset.narrow} label`)) {
    label.hidden = !label.textContent.toLocaleLowerCase().includes(wanted);
  }
});
document.addEventListener("keydown", (event) => {
  // Enter in that search would send the half chosen filter.
  if (event.key === "Enter" && event.target.matches?.("[data-narrow]")) event.preventDefault();
});

function leaveMenu(inside) {
  const menu = inside.closest?.("[data-menu]");
  if (menu) setTimeout(() => { menu.open = false; });
}
document.addEventListener("submit", (event) => { if (event.target.closest(".report")) leaveMenu(event.target); });
document.addEventListener("click", (event) => {
  const done = event.target.closest("[data-menu-done]");
  if (done) leaveMenu(done);
});
// The cross in the search field empties it, and that is meant.
document.addEventListener("search", (event) => {
  if (event.target.matches?.("#report-search input") && !event.target.value && new URLSearchParams(location.search).get("q")) event.target.form.requestSubmit();
});

// The row that had the keyboard may have left the list: then the one in its place takes it.
let held = null;
for (const name of ["htmx:beforeSwap", "console:before-region"]) document.addEventListener(name, () => {
  const row = document.activeElement?.closest("[data-row]");
  held = row ? { id: row.dataset.id, at: rows().indexOf(row) } : null;
});
for (const name of ["htmx:afterSwap", "console:region"]) document.addEventListener(name, () => {
  const lost = held && !rowOf(held.id);
  if (lost) current = rows()[Math.min(held.at, rows().length - 1)]?.dataset.id ?? null;
  paint();
  if (lost && document.activeElement === document.body) rowOf(current)?.focus({ preventScroll: true });
  held = null;
});
document.addEventListener("htmx:responseError", (event) => { if (event.detail.target === panel) closePanel(); });
paint();
