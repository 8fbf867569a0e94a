// The desk: what calls for attention is in the tab's title and icon too; an offer whose time is up is fetched afresh.
import { refreshAll } from "console/live";

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

document.addEventListener("htmx:afterSwap", count);
document.addEventListener("console:time-up", (event) => {
  const offer = event.target.closest(".offer");
  if (!offer) return;
  for (const button of offer.querySelectorAll("button")) button.setAttribute("aria-disabled", "true");
  setTimeout(() => refreshAll(), 1200);
});
count();
