// Theme and density: kept in the browser, never in a cookie.
import { keep, kept } from "console/common";

const root = document.documentElement;

function show() {
  const theme = kept("theme") ?? "system";
  for (const button of document.querySelectorAll("[data-theme-set]")) {
    button.setAttribute("aria-pressed", String(button.dataset.themeSet === theme));
  }
  for (const button of document.querySelectorAll("[data-density-toggle]")) {
    button.setAttribute("aria-pressed", String(root.dataset.density === "compact"));
  }
}

document.addEventListener("click", (event) => {
  const set = event.target.closest("[data-theme-set]");
  if (set) {
    const theme = set.dataset.themeSet;
    keep("theme", theme === "system" ? null : theme);
    if (theme === "system") delete root.dataset.theme;
    else root.dataset.theme = theme;
    show();
  }
  if (event.target.closest("[data-density-toggle]")) {
    const compact = root.dataset.density !== "compact";
    keep("density", compact ? "compact" : null);
    if (compact) root.dataset.density = "compact";
    else delete root.dataset.density;
    show();
  }
});

document.addEventListener("htmx:afterSettle", show);
window.addEventListener("storage", (event) => {
  if (event.key !== "console.theme") return;
  if (event.newValue) root.dataset.theme = event.newValue;
  else delete root.dataset.theme;
  show();
});
show();
