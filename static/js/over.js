// An open dialog makes the page below it inert, offers too: while one is open, it says what is offered and how long there
// is to answer, and leads there.
import { element, icon, text } from "console/common";

function said(card) {
  const left = card.querySelector("time[data-until]")?.cloneNode(true) ?? "";
  const go = element("button", { class: "btn small primary", type: "button", "data-offer-go": card.id }, text("offer_go"));
  const words = [card.querySelector(".offer-kind"), card.querySelector(".offer-title")].map((part) => part.textContent.trim()).join(": ");
  return element("div", { class: "offer-over" }, icon("bell-ring", "s"), element("p", {}, words), left, go);
}

function show() {
  const dialog = [...document.querySelectorAll("dialog[open]")].at(-1);
  const cards = dialog ? [...document.querySelectorAll(".offer[id]")] : [];
  const wanted = cards.map((card) => card.id).join(" ");
  let strip = document.querySelector("[data-offers-over]");
  if (strip && strip.dataset.offersOver === wanted && strip.parentElement === dialog) return;
  strip?.remove();
  if (!cards.length) return;
  strip = element("div", { "data-offers-over": wanted, role: "alert" }, ...cards.map(said));
  dialog.prepend(strip);
}

document.addEventListener("toggle", show, true);
for (const name of ["htmx:afterSettle", "console:region", "console:released"]) document.addEventListener(name, show);
document.addEventListener("click", (event) => {
  const go = event.target.closest("[data-offer-go]");
  if (!go) return;
  const card = document.getElementById(go.dataset.offerGo);
  go.closest("dialog").close();
  // The dialog gives the focus back to where it was: after that it goes to the offer.
  setTimeout(() => card?.querySelector(".btn.primary")?.focus());
});
