// The live link. A region with a digest is kept by the server: the socket brings what changed in it, made for the state
// that the digest names; whoever shows something else is sent everything. Other regions are fetched afresh when an event
// names them, and after every (re)connect. While the link is broken, everything is polled.
import { element, icon, isDialogOpen, serverNow, setServerTime, text } from "console/common";
import { askedBy, fetchRegion, isLate, shed } from "console/fetches";
import { morph } from "console/morph";
import { toast } from "console/toasts";

const COALESCE = 300; // ms between two fetches of one region: the first at once, the last never lost
const TROUBLE = 1500; // ms until the banner appears
const POLL_AFTER = 5000;
const POLL_EVERY = 15000;
const PING_EVERY = 4000;
const PONG_WITHIN = 4000; // ms without a word after a ping until the link counts as dead; more each time it does
const PONG_AFTER_SLEEP = 2000; // ms, when the page slept: the link has most likely gone meanwhile
const CONNECT_WITHIN = 10000;
const RETRY = 1500; // ms until a region whose fetch failed is fetched again, and up to as many more by chance
const COME_BACK = 4409;
const LIVED = 1000; // ms that a socket lives before it is asked to come back, or it is not asked but kept out
const SIGNED_OUT = 4401;
const FINAL = new Set([SIGNED_OUT, 4403, 4404]); // not signed in, not allowed, not there: coming back would not help
const OWN = 2500; // ms in which events count as the answer to one's own action
const LONGEST_PAUSE = 4000; // ms between two attempts to connect, at most; half of it is chance, so that not all come at once
const SILENT = 12000; // ms without a word from the server after which the page no longer claims to be live

const path = document.body.dataset.liveUrl;
const badge = document.querySelector("[data-live-badge]");
const banner = document.querySelector("[data-live-banner]");
const pauseButton = document.querySelector("[data-live-pause]");

let socket = null;
let state = "connecting";
let paused = false;
let attempt = 0;
let since = Date.now();
let pressed = null;
let missed = false; // whether something came while the pointer was down, which a held region may still show
let ownUntil = 0;
let pinged = 0;
let patience = PONG_WITHIN;
let lag = null;
let prompt = true; // whether the server hears at once of what others do; the outbox brings it within seconds
let reconnectTimer = 0;
let heard = Date.now();
let began = 0;
let deaths = 0;
let tended = Date.now();

// ---- regions ----

const busy = new Map(); // region id → what it is to be fetched for once more, as soon as it may
const waiting = new Map(); // region id → what has changed behind the hold

const regions = () => [...document.querySelectorAll("[data-live][id]")];
const topicsOf = (region) => region.dataset.live.split(/\s+/).filter(Boolean);

function isHeld(region) {
  if ("liveAlways" in region.dataset) return false; // An offer does not wait for Resume.
  if (paused) return true;
  if (!("liveHold" in region.dataset)) return false;
  return isDialogOpen() || (pressed !== null && region.contains(pressed)) || region.querySelector('[data-row][aria-selected="true"]') !== null;
}

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function refresh(region, what, forced = false) {
  const { id } = region;
  const next = busy.get(id);
  if (next) {
    next.push({ what, forced });
    return;
  }
  const asked = { what, forced };
  const later = [];
  busy.set(id, later);
  await Promise.all([fetchRegion(id, asked), sleep(COALESCE)]);
  busy.delete(id);
  if (asked.again) later.push({ what, forced });
  const again = document.getElementById(id);
  // What one did oneself is shown, whatever is held.
  if (later.length && again?.dataset.live) change(again, later.flatMap((one) => one.what), later.some((one) => one.forced));
}

function hold(region, what) {
  waiting.set(region.id, new Set([...(waiting.get(region.id) ?? []), ...[what].flat()]));
  showChip();
}

function change(region, what = "again", forced = false) {
  if (!forced && isHeld(region)) {
    hold(region, what);
    return;
  }
  waiting.delete(region.id);
  refresh(region, what, forced);
  showChip();
}

// What arrives is not always shown. While a form is on its way its region stays as it is: without its form the answer
// would reach nobody. And who has paused meanwhile, or holds the region, has its order and its words kept.
const owed = new Set(); // ids of regions that were left as they are for a form

document.addEventListener("htmx:beforeSwap", (event) => {
  const asked = askedBy(event);
  if (!asked) return;
  const { target } = event.detail;
  if (target.querySelector("form.htmx-request")) owed.add(target.id);
  else if (isLate(event, asked)) asked.again = true;
  else if (!asked.forced && isHeld(target)) hold(target, asked.what);
  else return;
  event.detail.shouldSwap = false;
});

// A region whose fetch brought nothing is not left as it is.
document.addEventListener("htmx:afterRequest", (event) => {
  const asked = askedBy(event);
  const { successful, xhr, elt } = event.detail;
  if (!asked || successful || (xhr.status > 0 && xhr.status < 500)) return;
  setTimeout(() => {
    const region = document.getElementById(elt.id);
    if (region?.dataset.live && isOpen()) change(region, asked.what, asked.forced);
  }, RETRY + Math.random() * RETRY);
});

export function refreshAll(forced = false) {
  for (const region of regions()) change(region, "all", forced);
}

// What one changed oneself in one region.
export function refreshOwn(id) {
  const region = document.getElementById(id);
  if (region) change(region, "again", true);
}

// ---- regions that the server keeps ----

const isKept = (region) => "digest" in region.dataset;
const isOpen = () => socket?.readyState === WebSocket.OPEN;
const queryOf = (region) => new URL(region.getAttribute("hx-get"), location.href).search.slice(1);

// Which state the rows of a held region say, beside the digest of the order that they stand in: a state that comes back
// is news too.
const patched = new Map(); // region id → digest
const shownBy = (region) => patched.get(region.id) ?? region.dataset.digest;

let told = "";

// What the server had heard when it spoke last, and over which socket. Whatever is asked for after that, shows it.
let mark = null;
const asked = new WeakMap(); // request → the mark before it

document.addEventListener("htmx:beforeRequest", (event) => asked.set(event.detail.xhr, mark));

// Says what this page shows: the address and the digest of the kept region, the topics of the others; and since when,
// where a request brought them: the server names those that changed meanwhile.
function watch(again = false, since = null) {
  if (!isOpen()) return;
  const kept = regions().find(isKept);
  const topics = [...new Set(regions().filter((region) => !isKept(region)).flatMap(topicsOf))].sort();
  const showing = { type: "watch", query: kept ? queryOf(kept) : null, topics, language: document.documentElement.lang };
  const words = JSON.stringify(showing);
  if (words === told && !again) return;
  told = words;
  socket.send(JSON.stringify({ ...showing, digest: kept?.dataset.digest ?? "", since: since?.socket === socket ? since.heard : null }));
}

function made(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content;
}

const rowsIn = (content) => [...content.querySelectorAll("tr[id^=row-]")];

// Held: rows stay where they are, but what they say, and what can be done with them, stays true; so do the figures.
// What would move a row waits.
function patch(region, frame) {
  patched.set(region.id, frame.digest);
  document.dispatchEvent(new CustomEvent("console:before-region", { detail: frame }));
  const fresh = made(frame.html);
  const ids = new Set(rowsIn(fresh).map((row) => row.id));
  for (const row of rowsIn(fresh)) {
    const old = document.getElementById(row.id);
    if (!old) hold(region, row.id);
    else if (!row.hasAttribute("data-same")) {
      const isNews = Boolean(frame.was) || old.dataset.version !== row.dataset.version; // One that brings everything has rows that were here.
      morph(old, [row], "outerHTML");
      window.htmx.process(document.getElementById(row.id));
      if (isNews) glow(document.getElementById(row.id));
    }
  }
  for (const row of rowsIn(region)) if (!ids.has(row.id)) hold(region, row.id);
  for (const part of [".tiles", ".tabs"]) {
    const [old, now] = [region.querySelector(part), fresh.querySelector(part)];
    if (old && now) morph(old, [now], "outerHTML");
  }
  if (!waiting.has(region.id)) waiting.set(region.id, new Set(["again"]));
  document.dispatchEvent(new CustomEvent("console:region", { detail: frame }));
}

// The rows that a frame would change. One that brings everything names none: what differs here is found by comparing.
function namesOf(region, frame) {
  if (frame.changed.length) return frame.changed.map((id) => `row-${id}`);
  const here = new Map(rowsIn(region).map((row) => [row.id, row.dataset.version]));
  const versionOf = (row) => (row.hasAttribute("data-same") ? here.get(row.id) : row.dataset.version);
  const there = new Map(rowsIn(made(frame.html)).map((row) => [row.id, versionOf(row)]));
  const differing = [...new Set([...here.keys(), ...there.keys()])].filter((id) => here.get(id) !== there.get(id));
  if (differing.length) return differing;
  return [paused ? "all" : "again"]; // Figures alone: who paused reads that there are some, for others they come at once.
}

function take(frame) {
  const region = document.getElementById(frame.region);
  if (!region || !isKept(region) || queryOf(region) !== frame.query) return;
  if (frame.digest === shownBy(region)) return;
  const forced = Date.now() < ownUntil;
  if (!forced && isHeld(region)) {
    missed = !paused && pressed !== null;
    if (!paused && !missed) patch(region, frame);
    else for (const what of namesOf(region, frame)) change(region, what);
    if (frame.at) delay(serverNow() - Date.parse(frame.at));
    return;
  }
  if (frame.was && frame.was !== region.dataset.digest) {
    watch(true); // Made for another state: ask for everything.
    return;
  }
  waiting.delete(region.id);
  patched.delete(region.id);
  document.dispatchEvent(new CustomEvent("console:before-region", { detail: frame }));
  morph(region, made(frame.html).children, "outerHTML");
  const fresh = document.getElementById(frame.region);
  window.htmx.process(fresh);
  if (fresh.querySelector("[data-same]")) refresh(fresh, "again", true); // A row that the server took for known was not here.
  if (frame.was) for (const id of frame.changed) glow(fresh?.querySelector(`[data-row][data-id="${id}"]`));
  if (frame.at) delay(serverNow() - Date.parse(frame.at));
  showChip();
  document.dispatchEvent(new CustomEvent("console:region", { detail: frame }));
}

// The server's regular word on what the page should show. Twice different, and nothing came: ask for everything.
let differs = 0;

function beat(frame) {
  if (frame.now) setServerTime(frame.now);
  const region = regions().find(isKept);
  if (!region || paused || pressed !== null || busy.has(region.id) || shownBy(region) === frame.digest) {
    differs = 0;
    return;
  }
  differs += 1;
  if (differs > 1) watch(true);
}

// A kept region that was fetched may be older than what the socket brought meanwhile: the server is told what it shows.
document.addEventListener("htmx:afterSwap", (event) => {
  const id = event.detail.target?.id;
  patched.delete(id);
  watch(regions().some((region) => isKept(region) && region.id === id), asked.get(event.detail.xhr));
});
document.addEventListener("htmx:afterSettle", () => watch());

function letIn() {
  for (const id of [...waiting.keys()]) {
    const region = document.getElementById(id);
    if (region) change(region, "again", true);
    else waiting.delete(id);
  }
  showChip();
}

function release() {
  for (const id of [...waiting.keys()]) {
    const region = document.getElementById(id);
    if (!region) waiting.delete(id);
    else if (!isHeld(region)) change(region, [...waiting.get(id)]);
  }
  showChip();
}

function showChip() {
  // "again" alone is only the order of rows: it is put right when the hold ends, and needs no click.
  const changes = new Set([...waiting.values()].flatMap((held) => [...held]).filter((what) => what !== "again" && what !== "all"));
  const words = changes.size === 1 ? text("update_one") : changes.size ? text("update_many", { n: changes.size }) : text("update_paused");
  for (const chip of document.querySelectorAll("[data-live-chip]")) {
    const hidden = ![...waiting.values()].some((what) => [...what].some((one) => one !== "again"));
    if (chip.hidden !== hidden) chip.hidden = hidden;
    if (!hidden && chip.textContent !== words) chip.replaceChildren(icon("arrow-up", "s"), element("span", {}, words));
  }
}

function announce(topics, what) {
  const forced = Date.now() < ownUntil;
  for (const region of regions()) {
    if (isKept(region) && isOpen()) continue;
    if (topicsOf(region).some((topic) => topics.includes(topic))) change(region, what, forced);
  }
}

// ---- rows that changed glow once ----

const versions = new Map();

document.addEventListener("htmx:beforeSwap", (event) => {
  if (!askedBy(event) || !event.detail.shouldSwap) return;
  const seen = new Map();
  for (const row of event.detail.target.querySelectorAll("[data-id][data-version]")) seen.set(row.dataset.id, row.dataset.version);
  versions.set(event.detail.target.id, seen);
});
document.addEventListener("htmx:afterSwap", (event) => {
  const region = event.detail.target;
  const seen = versions.get(region?.id);
  if (!seen) return;
  versions.delete(region.id);
  for (const row of document.getElementById(region.id)?.querySelectorAll("[data-id][data-version]") ?? []) {
    if (seen.get(row.dataset.id) === row.dataset.version || (!seen.size)) continue;
    glow(row);
  }
  showChip();
});

function glow(row) {
  row?.classList.add("flash");
  setTimeout(() => row?.classList.remove("flash"), 1700);
}

// ---- badge, banner, pause ----

function show(next) {
  if (next !== state) since = Date.now();
  state = next;
  const shown = paused && state === "live" ? "paused" : state;
  if (badge) {
    badge.dataset.state = shown;
    badge.toggleAttribute("data-delayed", shown === "live" && !prompt);
    const words = text({ live: prompt ? "live" : "delayed", late: "late_by", connecting: "connecting", broken: "reconnecting", paused: "paused", out: "reconnecting" }[shown]);
    const label = badge.querySelector("[data-live-text]") ?? badge;
    if (label.textContent !== words) label.textContent = words;
    let age = badge.querySelector("[data-live-lag]");
    if (!age) badge.append((age = element("span", { "data-live-lag": true, "aria-hidden": "true" })));
    const value = shown === "live" && prompt && lag !== null ? `· ${(Math.max(lag, 50) / 1000).toFixed(1)} s` : shown === "late" ? `· ${Math.round((Date.now() - heard) / 1000)} s` : "";
    if (age.textContent !== value) age.textContent = value;
  }
  if (pauseButton) {
    pauseButton.setAttribute("aria-pressed", String(paused));
    const words = text(paused ? "resume" : "pause");
    pauseButton.setAttribute("aria-label", words);
    pauseButton.title = words;
  }
  if (state === "live") hideBanner();
}

function stamp() {
  if (badge) badge.title = `${text("updated")}: ${new Date(serverNow()).toLocaleTimeString()}`;
}

function hideBanner() {
  if (banner && !banner.hidden) {
    banner.hidden = true;
    banner.replaceChildren();
  }
}

function showBanner(key, kind, action) {
  if (!banner || banner.dataset.key === key && !banner.hidden) return;
  banner.dataset.key = key;
  banner.className = `banner ${kind}`;
  banner.replaceChildren(icon("wifi-off"), element("span", {}, text(key)));
  if (action) banner.append(action);
  banner.hidden = false;
}

pauseButton?.addEventListener("click", () => {
  paused = !paused;
  show(state);
  if (!paused) release();
});
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-live-chip]")) letIn();
  // Nobody needs it; who does not trust the badge may ask.
  const again = event.target.closest("[data-live-refresh]");
  if (!again) return;
  again.setAttribute("aria-busy", "true");
  refreshAll(true);
});
document.addEventListener("htmx:afterRequest", () => document.querySelector("[data-live-refresh]")?.removeAttribute("aria-busy"));

// ---- holding back ----

// What still holds the region now, a selection say, holds its order only: what its rows say is asked for.
function raise() {
  pressed = null;
  release();
  if (!missed) return;
  missed = false;
  if (!paused && regions().some((region) => isKept(region) && waiting.has(region.id))) watch(true);
}

document.addEventListener("pointerdown", (event) => { pressed = event.target; }, true);
for (const name of ["pointerup", "pointercancel", "dragend"]) {
  document.addEventListener(name, () => setTimeout(raise, 350), true);
}
document.addEventListener("console:selection", release);
document.addEventListener("console:released", release);

// What one did oneself is shown at once, whatever is held and whether or not the socket lives.
document.addEventListener("htmx:afterRequest", (event) => {
  const { requestConfig, successful, xhr } = event.detail;
  if (!requestConfig || askedBy(event) || xhr.getResponseHeader("HX-Redirect")) return;
  const left = [...owed];
  owed.clear();
  if (requestConfig.verb !== "get" && successful) {
    ownUntil = Date.now() + OWN;
    refreshAll(true);
    return;
  }
  // Where no answer came, it may have been done all the same.
  if (requestConfig.verb !== "get" && (!xhr.status || xhr.status >= 500)) refreshAll();
  for (const region of left.map((id) => document.getElementById(id))) if (region?.dataset.live) change(region, "again");
});
document.body.addEventListener("live:all", () => refreshAll(true));
// A refusal because something changed meanwhile: show what it is now.
document.body.addEventListener("refused", () => refreshAll());

// ---- the socket ----

// How long the latest change took from its commit to this screen; the way to the server and back until there was one.
function delay(milliseconds) {
  lag = Math.max(0, milliseconds);
  show(state);
}

function hears(atOnce) {
  if (prompt === (atOnce !== false)) return;
  prompt = atOnce !== false;
  show(state);
}

function receive(frame) {
  stamp();
  heard = Date.now();
  if (state === "late") show("live");
  switch (frame.type) {
    case "hello":
      if (frame.now) setServerTime(frame.now);
      hears(frame.prompt);
      attempt = 0;
      mark = { socket, heard: frame.mark };
      // The server listens for this page from now on: what is fetched now misses nothing.
      for (const region of regions()) if (!isKept(region)) change(region, "all");
      break;
    case "pong": {
      mark = { socket, heard: frame.mark };
      const there = performance.now() - pinged;
      pinged = 0;
      deaths = 0;
      if (frame.now) setServerTime(frame.now, Date.now() - there / 2);
      hears(frame.prompt);
      if (lag === null) delay(there);
      break;
    }
    case "region":
      take(frame);
      break;
    case "beat":
      beat(frame);
      break;
    case "event":
      announce(frame.topics ?? [], frame.conversation ? `conversation:${frame.conversation}` : frame.id);
      document.dispatchEvent(new CustomEvent("console:event", { detail: frame }));
      break;
    case "stale":
      announce(frame.topics ?? [], "all");
      break;
    case "typing":
      document.dispatchEvent(new CustomEvent("console:typing", { detail: frame }));
      break;
    case "notice":
      toast(frame);
      document.dispatchEvent(new CustomEvent("console:notice", { detail: frame }));
      announce(["notices"], frame.id ?? frame.text);
      break;
    case "probe":
      document.dispatchEvent(new CustomEvent("console:probe", { detail: frame }));
      break;
  }
}

function connect() {
  clearTimeout(reconnectTimer);
  if (socket) return;
  const url = new URL(path, location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  const mine = new WebSocket(url);
  socket = mine;
  began = performance.now();
  mine.onopen = () => {
    if (mine !== socket) return;
    pinged = 0;
    heard = Date.now();
    told = "";
    show("live");
    stamp();
    watch();
    ping(CONNECT_WITHIN); // A server to which everybody comes back at once may take its time.
  };
  mine.onmessage = (event) => {
    if (mine !== socket) return;
    let frame = null;
    try { frame = JSON.parse(event.data); } catch { return; }
    if (frame) receive(frame);
  };
  mine.onclose = (event) => { if (mine === socket) lose(event.code); };
}

const isWriting = () => [...document.querySelectorAll("textarea")].some((field) => field.value.trim() && field.value !== field.defaultValue);

function lose(code) {
  socket = null;
  lag = null;
  if (FINAL.has(code)) {
    show("out");
    const login = document.body.dataset.loginUrl;
    const door = login && `${login}?next=${encodeURIComponent(location.pathname + location.search).replaceAll("%2F", "/")}`;
    // What is on the screen is not theirs to read any more; what they were writing still is.
    if (code === SIGNED_OUT && door && !isWriting()) location.assign(door);
    else showBanner("banner_signed_out", "crit", door && element("a", { class: "btn small", href: door }, text("log_in")));
    return;
  }
  show("broken");
  attempt += 1;
  // Asked to come back: at once, unless that was the answer to coming back.
  const asked = code === COME_BACK && performance.now() - began > LIVED;
  const pause = asked ? 200 : Math.min(LONGEST_PAUSE, 400 * 2 ** Math.min(attempt, 6));
  reconnectTimer = setTimeout(connect, pause / 2 + Math.random() * pause / 2);
}

// The other end does not answer: nobody waits for its good-bye.
function giveUp() {
  const mine = socket;
  lose(0);
  mine.close();
}

function ping(within = PONG_WITHIN * 2 ** Math.min(deaths, 3)) {
  if (!isOpen() || pinged) return;
  pinged = performance.now();
  patience = within;
  socket.send(JSON.stringify({ type: "ping" }));
}

function tend() {
  const now = performance.now();
  const slept = Date.now() - tended > SILENT;
  tended = Date.now();
  if (isOpen() && pinged && now - pinged > patience && Date.now() - heard > patience) {
    deaths += 1;
    shed(document.querySelector("meta[name=console-sprite]")?.content ?? path);
    giveUp();
  } else if (slept) {
    pinged = 0;
    ping(PONG_AFTER_SLEEP);
  } else if (socket?.readyState === WebSocket.CONNECTING && now - began > CONNECT_WITHIN) giveUp();
  if ((state === "live" || state === "late") && Date.now() - heard > SILENT) show("late");
  if (state === "broken" || state === "connecting") {
    const trouble = Date.now() - since;
    if (trouble > TROUBLE) showBanner("banner_broken", "");
    if (trouble > POLL_AFTER && navigator.onLine && Date.now() - polled > POLL_EVERY) {
      polled = Date.now();
      refreshAll();
    }
  }
}
let polled = Date.now();

if (path) {
  show("connecting");
  connect();
  setInterval(() => ping(), PING_EVERY);
  setInterval(tend, 500);
  const again = () => {
    if (state !== "broken" || !navigator.onLine) return;
    if (socket && performance.now() - began > PONG_AFTER_SLEEP) giveUp();
    connect();
  };
  window.addEventListener("online", again);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) again(); });
}
