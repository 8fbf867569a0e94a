// The live path: asks what only a browser can ask (the socket, and how long a commit takes to this screen), says in one
// sentence how all steps are, and says so when the page cannot be asked again.
import { serverNow, setIcon, setServerTime, text } from "console/common";

const PING_EVERY = 5000;
const PONG_WITHIN = 4000;
const PONG_SLOW = 500;
const AGAIN_AFTER = 3000; // ms until a socket that closed is opened again
const PROBE_EVERY = 15000;
const PROBE_WITHIN = 15000; // ms; the outbox alone takes a few seconds
const SCREEN_SLOW = 1000;
const FINAL = new Set([4401, 4403]); // signed out, or not allowed
const ICONS = { ok: "circle-check", slow: "clock-alert", failing: "octagon-x", idle: "circle-dashed", asking: "circle-dashed" };

const form = document.querySelector("[data-probe]");

// ---- a step that this page asks ----

function show(name, state, { error = "", figures = {} } = {}) {
  const hop = document.getElementById(`hop-${name}`);
  const isWrong = state === "slow" || state === "failing";
  hop.dataset.state = state;
  setIcon(hop.querySelector(".hop-mark svg"), ICONS[state]);
  hop.querySelector(".hop-word").textContent = text(state);
  const line = hop.querySelector(".hop-error");
  line.textContent = error;
  line.hidden = !error;
  hop.querySelector(".hop-check").hidden = !isWrong;
  for (const [key, value] of Object.entries(figures)) {
    const cell = hop.querySelector(`[data-figure="${key}"]`);
    cell.textContent = value;
    cell.parentElement.hidden = !value;
  }
  summarise();
}

const clock = (date) => date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const milliseconds = (number) => text("ms", { n: number < 10 ? number.toFixed(1) : Math.round(number) });

// ---- the socket ----

let socket = null;
let began = 0;
let opened = false;
let pinged = 0;
let openTook = 0;

const isOpen = () => socket?.readyState === WebSocket.OPEN;

function connect() {
  const url = new URL("/ws/console/", location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  const mine = new WebSocket(url);
  socket = mine;
  began = performance.now();
  opened = false;
  mine.onopen = () => {
    opened = true;
    openTook = performance.now() - began;
    pinged = 0;
    ping();
  };
  mine.onmessage = (event) => {
    let frame = null;
    try { frame = JSON.parse(event.data); } catch { return; }
    if (frame?.type === "pong") pong(frame);
    else if (frame?.type === "hello") {
      setServerTime(frame.now);
      send(); // From now on the server tells this socket what is announced, not from its opening.
    }
    else if (frame?.type === "probe") arrive(frame);
  };
  mine.onclose = (event) => {
    if (mine !== socket) return;
    socket = null;
    const figures = { open: "", ping: "" };
    if (FINAL.has(event.code)) {
      show("socket", "failing", { error: text("signed_out"), figures });
      return;
    }
    show("screen", "failing", { error: text("probe_no_socket"), figures: { took: "", via: "", at: "" } });
    show("socket", "failing", { error: text(opened ? "socket_closed" : "socket_refused", { code: event.code }), figures });
    setTimeout(connect, AGAIN_AFTER);
  };
}

function ping() {
  if (!isOpen()) return;
  if (pinged && performance.now() - pinged > PONG_WITHIN) {
    show("socket", "failing", { error: text("socket_silent", { n: PONG_WITHIN / 1000 }), figures: { ping: "" } });
  }
  if (!pinged) pinged = performance.now();
  socket.send(JSON.stringify({ type: "ping" }));
}

function pong(frame) {
  const there = performance.now() - pinged;
  pinged = 0;
  setServerTime(frame.now, Date.now() - there / 2);
  show("socket", there > PONG_SLOW ? "slow" : "ok", { figures: { open: milliseconds(openTook), ping: milliseconds(there) } });
}

// ---- a probe, from the commit to this screen ----

const arrived = new Map(); // name → how it came; a probe may be here before the answer to its request
const awaited = new Map(); // name → what to do when it is here

function arrive(frame) {
  const came = { took: Math.max(0, serverNow() - Date.parse(frame.at)), via: frame.via };
  arrived.set(frame.probe, came);
  awaited.get(frame.probe)?.(came);
}

const arrival = (name) => new Promise((resolve) => {
  if (arrived.has(name)) resolve(arrived.get(name));
  awaited.set(name, resolve);
  setTimeout(() => resolve(null), PROBE_WITHIN);
});

let isSending = false;

async function send() {
  if (isSending) return;
  isSending = true;
  form.querySelector("button").setAttribute("aria-disabled", "true");
  try {
    await probe();
  } finally {
    isSending = false;
    form.querySelector("button").removeAttribute("aria-disabled");
  }
}

async function probe() {
  const figures = { took: "", via: "", at: "" };
  if (!isOpen()) return show("screen", "failing", { error: text("probe_no_socket"), figures });
  let answer = null;
  try {
    answer = await fetch(form.action, { method: "POST", body: new FormData(form), redirect: "manual" });
  } catch {
    return show("screen", "failing", { error: text("probe_failed"), figures });
  }
  if (!answer.ok) return show("screen", "failing", { error: text("probe_refused", { code: answer.status || "302" }), figures });
  const { probe: name } = await answer.json();
  const came = await arrival(name);
  arrived.delete(name);
  awaited.delete(name);
  if (!came) return show("screen", "failing", { error: text("probe_lost", { n: PROBE_WITHIN / 1000 }), figures });
  const isSlow = came.took > SCREEN_SLOW || came.via !== "layer";
  show("screen", isSlow ? "slow" : "ok", {
    figures: { took: milliseconds(came.took), via: text(came.via === "layer" ? "via_layer" : "via_outbox"), at: clock(new Date()) },
  });
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  send();
});

// ---- all of it in one sentence, said when it changes ----

function summarise() {
  const named = (state) => [...document.querySelectorAll(`.hop[data-state="${state}"] h2`)].map((title) => title.textContent).join(", ");
  const [failing, slow] = [named("failing"), named("slow")];
  const asking = document.querySelector('.hop[data-state="asking"]');
  const words = failing ? text("all_failing", { names: failing }) : slow ? text("all_slow", { names: slow }) : text(asking ? "asking" : "all_ok");
  const summary = document.getElementById("path-summary");
  summary.dataset.state = failing ? "failing" : slow ? "slow" : asking ? "asking" : "ok";
  const line = summary.querySelector("span");
  if (line.textContent !== words) line.textContent = words;
}

// ---- asked again by htmx; when that brings nothing, the health page may know why ----

const stale = document.getElementById("path-stale");
let askedAt = new Date();

async function say() {
  const since = text("stale", { time: clock(askedAt) });
  let why = "health_none";
  try {
    const answer = await fetch(stale.dataset.health, { signal: AbortSignal.timeout(5000) });
    const parts = await answer.json();
    why = parts.database !== "ok" ? "health_database" : parts.push !== "ok" ? "health_push" : "health_ok";
  } catch { /* No answer is an answer. */ }
  const words = `${since} ${text(why)}`;
  const line = stale.querySelector("span");
  if (line.textContent !== words) line.textContent = words;
  stale.hidden = false;
}

for (const name of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) document.addEventListener(name, say);
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.xhr.status !== 200 || event.detail.xhr.responseText.includes('id="hops"')) return;
  event.detail.shouldSwap = false; // The log-in: the session has ended.
  location.reload();
});
document.addEventListener("htmx:afterSwap", () => {
  askedAt = new Date();
  stale.hidden = true;
  summarise();
  sayTime();
});

// In the time zone of this browser, as the times that the page writes itself.
function sayTime() {
  const time = document.querySelector(".path-asked time");
  time.textContent = clock(new Date(time.dateTime));
}

form.hidden = false;
sayTime();
connect();
setInterval(ping, PING_EVERY);
setInterval(() => { if (!document.hidden) send(); }, PROBE_EVERY);
