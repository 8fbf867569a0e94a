// Menus are <details>: open without script; with it, Esc and a press elsewhere close them, arrows move.
import { isTyping } from "console/common";

const open = () => [...document.querySelectorAll("details[data-menu][open]")];

document.addEventListener("pointerdown", (event) => {
  for (const menu of open()) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("focusin", (event) => {
  // A press on plain text inside a menu moves the focus to what is around the menu: that is not leaving it.
  for (const menu of open()) if (!menu.contains(event.target) && !event.target.contains(menu)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  const menu = open().at(-1);
  if (!menu) return;
  if (event.key === "Escape") {
    menu.open = false;
    menu.querySelector("summary").focus();
    event.preventDefault();
    event.stopPropagation();
  } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && !isTyping(event.target) && menu.contains(event.target)) {
    const items = [...menu.querySelectorAll(".menu-body :is(a, button, input, select)")].filter((one) => one.offsetParent);
    const at = items.indexOf(document.activeElement);
    items.at((at + (event.key === "ArrowDown" ? 1 : at < 0 ? 0 : -1) + items.length) % items.length)?.focus();
    event.preventDefault();
    event.stopPropagation();
  }
}, true);
document.addEventListener("click", (event) => {
  const item = event.target.closest("[data-menu] .menu-item:not([data-density-toggle])");
  if (item) setTimeout(() => { const menu = item.closest("[data-menu]"); if (menu) menu.open = false; });
});
