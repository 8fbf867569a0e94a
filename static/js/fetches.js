// Fetching a region: one request at a time, and nothing older over what is newer. htmx keeps no order here: it forgets the
// request of an element whose attributes have changed, its class among them, and with it what waits for its end.

const FETCH_WITHIN = 15000; // ms; what hangs is given up
const CONNECTIONS = 6; // that a browser keeps to one server, at most
const SHED_WITHIN = 1000; // ms until a connection that does not answer counts as dead

const onTheWay = new Set(); // requests
const filled = new Map(); // region id → when something was last put into it
let clean = Promise.resolve();

// What a region was fetched for (`what`, `forced`), of an event that belongs to such a fetch; else null.
export function askedBy(event) {
  const cause = (event.detail.requestConfig ?? event.detail).triggeringEvent;
  return cause?.type === "live:refresh" ? cause.detail : null;
}

// Fetches it, and waits until that is over, however it ended. `asked.again` says then that it must be fetched once more.
export async function fetchRegion(id, asked) {
  await clean;
  const region = document.getElementById(id);
  if (!region) return;
  await new Promise((resolve) => {
    asked.over = resolve;
    window.htmx.trigger(region, "live:refresh", asked);
    if (asked.sent) return;
    asked.again = true; // What was put in just now listens only when htmx has settled it.
    resolve();
  });
}

document.addEventListener("htmx:configRequest", (event) => {
  if (askedBy(event)) event.detail.timeout = FETCH_WITHIN;
});
document.addEventListener("htmx:beforeSend", (event) => {
  const asked = askedBy(event);
  if (!asked) return;
  const { xhr } = event.detail;
  asked.sent = performance.now();
  onTheWay.add(xhr);
  xhr.addEventListener("loadend", () => {
    onTheWay.delete(xhr);
    asked.over?.();
  });
});

// Whether the answer may be older than what the region shows, or is to what nobody asks any more.
export function isLate(event, asked) {
  const { target, requestConfig } = event.detail;
  return asked.sent < filled.get(target.id) || requestConfig.path !== target.getAttribute("hx-get");
}

document.addEventListener("htmx:afterSwap", ({ detail: { target } }) => {
  if (!(target instanceof Element)) return;
  const here = document.getElementById(target.id) ?? target;
  for (const region of [here, ...here.querySelectorAll("[data-live][id]")]) filled.set(region.id, performance.now());
});

// The line is dead, and so are the connections that the browser keeps for the next fetches. Each is asked for something
// small; what hangs is closed, and whatever is fetched after that goes a new way.
export function shed(address) {
  for (const xhr of onTheWay) xhr.abort();
  const ask = () => fetch(address, { method: "HEAD", cache: "no-store", signal: AbortSignal.timeout(SHED_WITHIN) });
  clean = Promise.allSettled(Array.from({ length: CONNECTIONS }, ask));
}
