// The htmx extension "morph": a region takes its new form without losing focus, drafts, open menus or scroll.
// Idiomorph compares; what a person is busy with is left alone.

// Kept: marked on both sides with the same value. A form that is kept still takes the fresh hidden values (versions, tokens).
function isKept(old, fresh) {
  return old.hasAttribute("data-keep") && fresh instanceof Element && old.getAttribute("data-keep") === fresh.getAttribute("data-keep");
}

function takeHidden(old, fresh) {
  for (const input of fresh.querySelectorAll("input[type=hidden][name]")) {
    const mine = old.querySelector(`input[type=hidden][name="${CSS.escape(input.name)}"]`);
    // The key of a form that is being filled stays its own: by it a line that was sent twice is recognised.
    if (mine && input.name !== "client_key") mine.value = input.value;
  }
}

const callbacks = {
  beforeNodeMorphed(old, fresh) {
    if (!(old instanceof Element)) return true;
    // The server says of this element only that it is as it was.
    if (fresh instanceof Element && fresh.hasAttribute("data-same") && fresh.id === old.id) return false;
    if (!isKept(old, fresh)) return true;
    takeHidden(old, fresh);
    return false;
  },
  beforeAttributeUpdated(name, node, mutation) {
    // Menus stay open. A row stays focusable: without its tabindex it would lose the focus it may have.
    if (name === "open" && node.matches("details, dialog")) return false;
    if (name === "tabindex" && mutation === "remove") return false;
    // What is selected is known here alone.
    if (name === "aria-selected" && node.matches("[data-row]")) return false;
    return true;
  },
  beforeNodeRemoved(node) {
    return !(node instanceof Element && node.matches("#toasts"));
  },
};

export function morph(target, content, style) {
  const active = document.activeElement;
  // Idiomorph leaves the whole inside of a focused element alone, not only its value: right where one types, and wrong for
  // a button or a link, which would keep its old words over a new address.
  const ignoreActiveValue = active?.matches("input, textarea, select") ?? false;
  const result = window.Idiomorph.morph(target, content, { morphStyle: style, ignoreActiveValue, restoreFocus: true, callbacks });
  // Moving an element takes its focus away: give it back.
  if (active !== document.activeElement && active?.isConnected) active.focus({ preventScroll: true });
  return result;
}

window.htmx?.defineExtension("morph", {
  isInlineSwap: (style) => style === "morph" || style === "morph:outerHTML",
  handleSwap(style, target, fragment) {
    if (style === "morph" || style === "morph:outerHTML") return morph(target, fragment.children, "outerHTML");
    if (style === "morph:innerHTML") return morph(target, fragment.children, "innerHTML");
    return false;
  },
});
