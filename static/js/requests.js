// What happens around every htmx request: whole documents are kept out of parts, failures are said, a thin bar shows waiting.
import { text } from "console/common";
import { toast } from "console/toasts";

const bar = document.querySelector("[data-progress]");
let waiting = 0;

const isDocument = (xhr) => /^\s*(<!--[\s\S]*?-->\s*)*<!doctype html/i.test(xhr.responseText.slice(0, 400));
const isQuiet = (event) => event.detail.requestConfig?.triggeringEvent?.type === "live:refresh";

// A fault of the server is said with the id under which its log knows it; what it says itself, in its words.
function sayFailure(xhr) {
  const isSaid = xhr.status === 503 && xhr.getResponseHeader("Content-Type")?.startsWith("text/plain");
  const words = isSaid ? xhr.responseText : text(xhr.status === 403 ? "forbidden" : xhr.status === 404 ? "not_found" : "failed");
  const id = xhr.status >= 500 ? xhr.getResponseHeader("X-Request-ID") : null;
  toast({ level: "error", code: `http_${xhr.status}`, text: id ? `${words} ${text("reference", { id })}` : words });
}

document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr, boosted } = event.detail;
  if (boosted || !isDocument(xhr)) return;
  event.detail.shouldSwap = false;
  const login = document.body.dataset.loginUrl;
  if (xhr.status < 400 && login && new URL(xhr.responseURL || "/", location.href).pathname === login) {
    // The session has ended: the page itself is loaded again, so that logging in leads back to it.
    location.reload();
  } else if (xhr.status < 400) {
    location.assign(xhr.responseURL);
  } else if (!isQuiet(event)) {
    sayFailure(xhr);
  }
});

document.addEventListener("htmx:responseError", (event) => {
  const { xhr } = event.detail;
  // A refusal that brings its own toast, or a part that says what is wrong (a form with its errors), has been said.
  const said = xhr.getResponseHeader("HX-Trigger")?.includes("toast") || (event.detail.shouldSwap && xhr.responseText.trim());
  if (isQuiet(event) || isDocument(xhr) || said) return;
  sayFailure(xhr);
});
document.addEventListener("htmx:sendError", (event) => {
  if (!isQuiet(event)) toast({ level: "error", code: "network", text: text("failed_network") });
});
document.addEventListener("htmx:timeout", (event) => {
  if (!isQuiet(event)) toast({ level: "error", code: "timeout", text: text("too_long") });
});

document.addEventListener("htmx:beforeRequest", (event) => {
  // A button that says why it does not act never sends.
  if (event.detail.elt.closest?.("[aria-disabled=true]")) {
    event.preventDefault();
    return;
  }
  if (isQuiet(event)) return;
  waiting += 1;
  bar?.classList.add("on");
});
document.addEventListener("htmx:afterRequest", (event) => {
  if (isQuiet(event)) return;
  waiting = Math.max(0, waiting - 1);
  if (!waiting) bar?.classList.remove("on");
});

// A link that htmx follows is still a link: with a modifier it opens where the browser opens such links.
document.addEventListener("click", (event) => {
  if ((event.ctrlKey || event.metaKey || event.shiftKey) && event.target.closest("a[hx-get][href]")) event.stopPropagation();
}, true);

document.addEventListener("click", (event) => {
  const refused = event.target.closest("[aria-disabled=true]");
  if (refused) event.preventDefault();
}, true);
document.addEventListener("submit", (event) => {
  if (event.target.closest("[aria-disabled=true]")) {
    event.preventDefault();
    event.stopImmediatePropagation();
  }
}, true);
