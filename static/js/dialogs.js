// Dialogs: what htmx puts into #dialog-body opens in a real <dialog>; focus goes back to where it came from.
import { element, icon, text } from "console/common";
import { placeToasts } from "console/toasts";

const dialog = document.getElementById("dialog");
const body = document.getElementById("dialog-body");
const ask = document.getElementById("ask");
let opener = null;
let openerPath = null;

// A refresh may have replaced the opener: then the element with the same id, or the same row, takes the focus.
function remember(source) {
  opener = source instanceof HTMLElement ? source : document.activeElement;
  const row = opener?.closest?.("[data-row]");
  openerPath = opener?.id ? `#${CSS.escape(opener.id)}` : row ? `[data-row][data-id="${CSS.escape(row.dataset.id)}"]` : null;
}

function returnFocus() {
  const target = opener?.isConnected ? opener : openerPath && document.querySelector(openerPath);
  (target ?? document.getElementById("main"))?.focus({ preventScroll: true });
  opener = null;
}

function show() {
  if (!dialog.open) dialog.showModal();
  placeToasts();
  const first = body.querySelector("[data-autofocus]") ?? body.querySelector("[aria-invalid=true]");
  first?.focus();
}

function closeDialog() {
  if (dialog?.open) dialog.close();
}

if (dialog) {
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (!dialog.open && event.detail.target === body) remember(event.detail.requestConfig?.triggeringEvent?.target?.closest("a, button") ?? event.detail.elt);
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (body.childElementCount && (event.detail.target === body || (event.detail.target instanceof Node && body.contains(event.detail.target)))) show();
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const { elt, xhr, requestConfig, successful } = event.detail;
    if (successful && requestConfig?.verb !== "get" && body.contains(elt) && (xhr.status === 204 || !xhr.responseText)) closeDialog();
  });
  document.body.addEventListener("dialog:close", closeDialog);
  dialog.addEventListener("close", () => {
    placeToasts();
    body.replaceChildren();
    returnFocus();
    document.dispatchEvent(new CustomEvent("console:released"));
  });
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-dialog-close]");
  if (button) {
    button.closest("dialog")?.close();
    if (button.closest("dialog")) event.preventDefault();
  }
  // A press on the veil closes, unless something was being written.
  if (event.target instanceof HTMLDialogElement && event.target.open) {
    const box = event.target.getBoundingClientRect();
    const outside = event.clientX < box.left || event.clientX > box.right || event.clientY < box.top || event.clientY > box.bottom;
    const written = [...event.target.querySelectorAll("textarea, input[type=text], input[type=search]")].some((one) => one.value !== one.defaultValue);
    if (outside && event.detail && !written) event.target.close();
  }
});

// Asking before something that cannot be undone, with a dialog of ours.
export function confirmation(question) {
  return new Promise((resolve) => {
    const source = document.activeElement;
    const no = element("button", { class: "btn", type: "button", value: "no" }, text("cancel"));
    const yes = element("button", { class: "btn primary", type: "button", value: "yes", "data-confirmed": true }, text("go_on"));
    ask.replaceChildren(
      element("div", { class: "dlg", "data-dialog-size": "s" },
        element("div", { class: "dlg-head" }, icon("circle-alert", "l"), element("div", {}, element("h2", { id: "ask-title" }, question))),
        element("div", { class: "dlg-foot" }, no, yes),
      ),
    );
    no.addEventListener("click", () => ask.close("no"));
    yes.addEventListener("click", () => ask.close("yes"));
    ask.returnValue = "no";
    ask.addEventListener("close", () => {
      ask.replaceChildren();
      placeToasts();
      if (source?.isConnected) source.focus({ preventScroll: true });
      resolve(ask.returnValue === "yes");
    }, { once: true });
    ask.showModal();
    placeToasts();
    yes.focus();
  });
}

document.addEventListener("htmx:confirm", (event) => {
  const question = event.detail.elt.closest("[data-confirm]")?.dataset.confirm;
  if (!question || !ask) return;
  event.preventDefault();
  confirmation(question).then((sure) => { if (sure) event.detail.issueRequest(true); });
});

// A form that htmx does not send asks too.
document.addEventListener("submit", (event) => {
  const form = event.target;
  const question = form.dataset.confirm;
  if (!question || !ask || form.dataset.sure || form.hasAttribute("hx-post") || event.defaultPrevented) return;
  event.preventDefault();
  confirmation(question).then((sure) => {
    if (!sure) return;
    form.dataset.sure = "true";
    form.requestSubmit(event.submitter ?? undefined);
  });
});
