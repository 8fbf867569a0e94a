// Times that run: <time data-since> counts up, <time data-until> counts down, each second, by the server's clock.
import { serverNow, setIcon, text } from "console/common";

const two = (number) => String(number).padStart(2, "0");

// m:ss, then h:mm:ss, then days and hours: the same as the server writes it.
function clock(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  const days = Math.floor(s / 86400);
  if (days) return `${days} d ${Math.floor((s % 86400) / 3600)} h`;
  const hours = Math.floor(s / 3600);
  const minutes = Math.floor((s % 3600) / 60);
  return hours ? `${hours}:${two(minutes)}:${two(s % 60)}` : `${minutes}:${two(s % 60)}`;
}

function write(time, value) {
  if (time.textContent !== value) time.textContent = value;
}

function band(time, seconds) {
  const { warn, urgent } = time.dataset;
  if (!warn && !urgent) return;
  const found = urgent && seconds >= Number(urgent) ? "urgent" : warn && seconds >= Number(warn) ? "warn" : "";
  const holder = time.closest(".clock") ?? time;
  if ((holder.dataset.band ?? "") === found && holder.classList.contains(found || "clock")) return;
  holder.dataset.band = found;
  holder.classList.toggle("warn", found === "warn");
  holder.classList.toggle("urgent", found === "urgent");
  if (found) {
    holder.title = text(found === "warn" ? "at_risk" : "critical");
    setIcon(holder.querySelector(":scope > .i"), found === "urgent" ? "triangle-alert" : "clock-alert");
  } else {
    holder.removeAttribute("title");
  }
}

function tickRing(ring, now) {
  const from = Date.parse(ring.dataset.from);
  const until = Date.parse(ring.dataset.until);
  const left = Math.max(0, Math.min(1, (until - now) / Math.max(1, until - from)));
  ring.querySelector(".left")?.setAttribute("stroke-dashoffset", String(Math.round((1 - left) * 1000) / 10));
  ring.classList.toggle("warn", left <= 0.5 && left > 0.2);
  ring.classList.toggle("urgent", left <= 0.2);
}

function tick() {
  const now = serverNow();
  for (const time of document.querySelectorAll("time[data-since]")) {
    const seconds = (now - Date.parse(time.dataset.since)) / 1000;
    if (Number.isNaN(seconds)) continue;
    write(time, clock(seconds));
    band(time, seconds);
  }
  for (const time of document.querySelectorAll("time[data-until]")) {
    const left = (Date.parse(time.dataset.until) - now) / 1000;
    if (Number.isNaN(left)) continue;
    write(time, clock(Math.ceil(left)));
    if (left <= 0 && !time.dataset.ended) {
      time.dataset.ended = "true";
      time.dispatchEvent(new CustomEvent("console:time-up", { bubbles: true }));
    }
  }
  for (const ring of document.querySelectorAll("[data-ring]")) tickRing(ring, now);
}

// On the full second of the server, so that all clocks of a page turn together.
function run() {
  tick();
  setTimeout(run, 1000 - (serverNow() % 1000) + 5);
}

document.addEventListener("htmx:afterSwap", tick);
document.addEventListener("visibilitychange", () => { if (!document.hidden) tick(); });
run();
