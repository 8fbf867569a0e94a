// The desk: what calls for attention is in the tab's title and icon too; an offer whose time is up is fetched afresh; what
// lies open before somebody's eyes is marked as read.
import { refreshAll, refreshOwn } from "console/live";

const link = document.querySelector("link[rel=icon]");
const plain = document.title.replace(/^\(\d+\+?\) /, "");

function count() {
  let sum = 0;
  for (const one of document.querySelectorAll("[data-title-count]")) sum += Number(one.dataset.titleCount) || 0;
  const title = sum ? `(${sum > 99 ? "99+" : sum}) ${plain}` : plain;
  if (document.title !== title) document.title = title;
  if (link) {
    const href = sum ? link.dataset.badge : link.dataset.plain;
    if (href && link.getAttribute("href") !== href) link.setAttribute("href", href);
  }
}

// A page in the background reads nothing: the lines stay unread until somebody looks.
let reading = false;

async function read() {
  const open = document.querySelector("[data-mark-read]");
  if (!open || reading || document.hidden || !document.hasFocus()) return;
  reading = true;
  try {
    const { "X-CSRFToken": token } = JSON.parse(document.body.getAttribute("hx-headers"));
    const answer = await fetch(open.dataset.markRead, { method: "POST", headers: { "X-CSRFToken": token, "HX-Request": "true" } });
    if (!answer.ok) return;
    open.removeAttribute("data-mark-read");
    refreshOwn("desk-lists");
  } catch { /* The next look tries again. */ } finally {
    reading = false;
  }
}

document.addEventListener("htmx:afterSwap", () => { count(); read(); });
// After a verb the old button means something else: the focus goes to where one goes on.
document.addEventListener("htmx:afterSettle", (event) => {
  const { target, requestConfig } = event.detail;
  if (target?.id !== "desk-board" || requestConfig?.verb !== "post" || document.querySelector("dialog[open]")) return;
  const next = document.querySelector("#desk-board [data-composer] textarea") ?? document.getElementById("main");
  next?.focus({ preventScroll: true });
});
document.addEventListener("visibilitychange", read);
window.addEventListener("focus", read);

document.addEventListener("console:time-up", (event) => {
  const offer = event.target.closest(".offer");
  if (!offer) return;
  for (const button of offer.querySelectorAll("button")) button.setAttribute("aria-disabled", "true");
  setTimeout(() => refreshAll(), 1200);
});
count();
read();
