// Runs before the first paint, so that a kept theme or density does not flash.
(() => {
  try {
    const root = document.documentElement;
    const theme = localStorage.getItem("console.theme");
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
    if (localStorage.getItem("console.density") === "compact") root.dataset.density = "compact";
  } catch { /* Storage may be forbidden; the system's theme it is. */ }
})();
