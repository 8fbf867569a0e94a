// What nobody must miss. An agent: a sound for an offer (again and again until it is handled), another for a customer's
// line, and a desktop notification with the offer's own deadline. Agents and supervisors: a customer who becomes unhappy.
// Several tabs ring once: the one that holds the lock.
import { keep, kept, serverNow } from "console/common";

const menu = document.querySelector("[data-alerts]");
const blocked = document.querySelector("[data-alerts-blocked]");

const TONES = { // kind → [frequency in Hz, begins after s, lasts s]
  offer: [[784, 0, 0.16], [1047, 0.15, 0.34]],
  message: [[587, 0, 0.2]],
  unhappy: [[440, 0, 0.18], [349, 0.2, 0.34]],
};
const THROTTLE = 1500; // ms between two sounds of one kind
const AGAIN = 5000; // ms after which an offer that nobody answered rings again
const BLOCKED_AFTER = 1500; // ms after which a browser that lets nothing sound is said to block it
const DEFAULTS = { offer: "on", message: "on", unhappy: "off", volume: "60", desktop: "off" };

const setting = (name) => kept(`alerts.${name}`) ?? DEFAULTS[name];
const isOn = (name) => setting(name) === "on";
const has = (name) => menu?.querySelector(`[data-alert="${name}"]`) != null; // An agent's, a supervisor's, or both.
const wantsSound = () => ["offer", "message", "unhappy"].some((name) => has(name) && isOn(name)) && Number(setting("volume")) > 0;

// ---- sound ----

let audio = null;
let isFirst = false; // Whether this tab is the one that rings.
let giveUp = null;
const rang = {};

const sounds = () => audio?.state === "running";

function prepare() {
  if (audio || !window.AudioContext) return;
  audio = new AudioContext();
  audio.addEventListener("statechange", settle);
  settle();
}

function settle() {
  if (sounds()) compete();
  else giveUp?.();
  setTimeout(showBlocked, sounds() ? 0 : BLOCKED_AFTER);
}

function compete() {
  if (giveUp) return;
  if (!navigator.locks) { // Only where the page is not secure: then each tab rings.
    isFirst = true;
    return;
  }
  giveUp = () => {};
  navigator.locks.request("console.sound", () => {
    isFirst = true;
    return new Promise((resolve) => { giveUp = resolve; });
  }).finally(() => { isFirst = false; giveUp = null; });
}

function showBlocked() {
  if (blocked) blocked.hidden = !(audio && wantsSound() && !sounds());
}

function unblock() {
  if (wantsSound()) prepare();
  if (audio && !sounds()) audio.resume();
}

function ring(kind) {
  const volume = Number(setting("volume")) / 100;
  if (!sounds() || !(volume > 0) || Date.now() - (rang[kind] ?? 0) < THROTTLE) return;
  rang[kind] = Date.now();
  for (const [frequency, start, length] of TONES[kind]) {
    const at = audio.currentTime + 0.02 + start;
    const tone = audio.createOscillator();
    const loudness = audio.createGain();
    tone.frequency.value = frequency;
    loudness.gain.setValueAtTime(0.0001, at);
    loudness.gain.exponentialRampToValueAtTime(Math.max(0.5 * volume ** 2, 0.0002), at + 0.015);
    loudness.gain.exponentialRampToValueAtTime(0.0001, at + length);
    tone.connect(loudness).connect(audio.destination);
    tone.start(at);
    tone.stop(at + length);
  }
}

function sound(kind) {
  if (isFirst && isOn(kind)) ring(kind);
}

// ---- offers: what the page shows is what counts ----

const offers = new Map(); // id of the card → what takes its notification away
const tabs = window.BroadcastChannel ? new BroadcastChannel("console.alerts") : null;
const isLookedAt = () => !document.hidden && document.hasFocus();

function lookAtOffers() {
  const cards = new Map([...document.querySelectorAll(".offer[id]")].map((card) => [card.id, card]));
  for (const [id, end] of offers) {
    if (cards.has(id)) continue;
    end();
    offers.delete(id);
  }
  for (const [id, card] of cards) {
    if (offers.has(id)) continue;
    offers.set(id, notify(card));
    sound("offer");
    if (isLookedAt() && card.dataset.notify !== "always") tabs?.postMessage(id);
  }
}

setInterval(() => { if (offers.size) sound("offer"); }, AGAIN);

// ---- desktop notifications ----

const canNotify = () => "Notification" in window && window.isSecureContext;

function words(card, selector) {
  return card.querySelector(selector)?.textContent.trim() ?? "";
}

// The workstream says when: never, always, or where nobody looks at the console.
function notify(card) {
  const when = card.dataset.notify;
  if (!isOn("desktop") || !canNotify() || Notification.permission !== "granted") return () => {};
  if (when === "never" || (when !== "always" && isLookedAt())) return () => {};
  const until = Date.parse(card.querySelector("[data-until]")?.dataset.until);
  const left = Number.isNaN(until) ? null : until - serverNow();
  let shown = null;
  const end = () => {
    clearTimeout(start);
    shown?.close();
    shown = null;
  };
  // Another tab may have it before somebody's eyes: that tab says so at once.
  const start = setTimeout(() => {
    const lines = [words(card, ".offer-title"), [...card.querySelectorAll(".facts dd")].slice(0, 2).map((fact) => fact.textContent.trim()).join(" · ")];
    if (left !== null) lines.push(menu.dataset.answerBy.replace("{time}", new Date(Date.now() + left).toLocaleTimeString()));
    shown = new Notification(words(card, ".offer-kind"), { body: lines.join("\n"), tag: card.id, requireInteraction: true, silent: true });
    shown.onclick = () => {
      window.focus();
      document.getElementById(card.id)?.querySelector(".btn.primary")?.focus();
      end();
    };
    if (left !== null) setTimeout(end, left);
  }, 300);
  return end;
}

// ---- unhappy customers, of whom people are told by a notice ----

const UNHAPPY = new Set(["customer_unhappy", "own_customer_unhappy"]);

function hearUnhappy({ id, text: words, url }) {
  if (!has("unhappy")) return;
  sound("unhappy");
  if (!isOn("desktop") || !canNotify() || Notification.permission !== "granted" || isLookedAt()) return;
  // The tag makes it one notification, whichever tabs are open.
  const shown = new Notification(document.title, { body: words, tag: `notice-${id}`, silent: true });
  shown.onclick = () => {
    window.focus();
    shown.close();
    if (url) location.assign(url);
  };
}

// ---- the menu ----

function showSettings() {
  for (const one of menu.querySelectorAll("[data-alert]")) {
    const { alert: name } = one.dataset;
    if (one.type === "range") one.value = setting(name);
    else one.checked = isOn(name) && (name !== "desktop" || (canNotify() && Notification.permission === "granted"));
  }
  menu.querySelector("[data-alert-refused]").hidden = canNotify() && Notification.permission !== "denied";
  menu.hidden = false;
}

async function choose(one) {
  const { alert: name } = one.dataset;
  if (name === "desktop" && one.checked && (!canNotify() || (await Notification.requestPermission()) !== "granted")) one.checked = false;
  keep(`alerts.${name}`, one.type === "range" ? one.value : one.checked ? "on" : "off");
  if (wantsSound()) unblock();
  showSettings();
  showBlocked();
}

if (menu) {
  showSettings();
  menu.addEventListener("change", (event) => { if (event.target.matches("[data-alert]")) choose(event.target); });
  menu.addEventListener("click", async (event) => {
    const test = event.target.closest("[data-alert-test]");
    if (!test) return;
    prepare();
    await audio?.resume();
    ring(test.dataset.alertTest);
  });
  window.addEventListener("storage", (event) => {
    if (!event.key?.startsWith("console.alerts.")) return;
    showSettings();
    if (wantsSound()) prepare();
    showBlocked();
  });
  // Browsers let a page sound once somebody has pressed something in it, wherever.
  for (const name of ["click", "keydown"]) document.addEventListener(name, unblock);
  tabs?.addEventListener("message", ({ data: id }) => offers.get(id)?.());
  window.addEventListener("pagehide", () => { for (const end of offers.values()) end(); });

  document.addEventListener("htmx:afterSettle", lookAtOffers);
  // A customer's line; not while it stands before the agent's eyes.
  document.addEventListener("console:event", ({ detail: { code, by, own, conversation } }) => {
    if (code !== "conversation.message_sent" || by !== "customer" || !own) return;
    if (!(isLookedAt() && document.getElementById(`desk-conversation-${conversation}`))) sound("message");
  });
  document.addEventListener("console:notice", ({ detail }) => { if (UNHAPPY.has(detail.code)) hearUnhappy(detail); });
  if (wantsSound()) prepare();
  lookAtOffers();
}
