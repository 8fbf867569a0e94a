// The htmx extension "morph": a region takes its new form without losing focus, drafts, open menus or scroll.
// Idiomorph compares; what a person is busy with is left alone.

// Kept: marked on both sides with the same value. A form that is kept still takes the fresh hidden values (versions, tokens).
function isKept(old, fresh) {
  return old.hasAttribute("data-keep") && fresh instanceof Element && old.getAttribute("data-keep") === fresh.getAttribute("data-keep");
}

function takeHidden(old, fresh) {
  for (const input of fresh.querySelectorAll("input[type=hidden][name]")) {
    const mine = old.querySelector(`input[type=hidden][name="${CSS.escape(input.name)}"]`);
    if (mine) mine.value = input.value;
  }
}

const callbacks = {
  beforeNodeMorphed(old, fresh) {
    if (!(old instanceof Element)) return true;
    if (!isKept(old, fresh)) return true;
    takeHidden(old, fresh);
    return false;
  },
  beforeAttributeUpdated(name, node) {
    // Menus stay open; classes and states that scripts put on rows and clocks are set again after the swap.
    if (name === "open" && node.matches("details, dialog")) return false;
    return true;
  },
  beforeNodeRemoved(node) {
    return !(node instanceof Element && node.matches("#toasts"));
  },
};

export function morph(target, content, style) {
  return window.Idiomorph.morph(target, content, { morphStyle: style, ignoreActiveValue: true, restoreFocus: true, callbacks });
}

window.htmx?.defineExtension("morph", {
  isInlineSwap: (style) => style === "morph" || style === "morph:outerHTML",
  handleSwap(style, target, fragment) {
    if (style === "morph" || style === "morph:outerHTML") return morph(target, fragment.children, "outerHTML");
    if (style === "morph:innerHTML") return morph(target, fragment.children, "innerHTML");
    return false;
  },
});
