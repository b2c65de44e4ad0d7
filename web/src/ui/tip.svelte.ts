// One tooltip for the whole page: an element asks for it with `{@attach tip('text', 'K')}`, Tooltip.svelte shows it.
// Shown on hover after a moment and on keyboard focus at once; Escape hides it; touch never sees it.

interface Tip {
  text: string;
  keys: string;
  /** Where the element is on the screen, in CSS pixels. */
  box: DOMRect;
}

export const shown: { tip: Tip | null } = $state({ tip: null });
const delayMs = 400;
let owner: Element | null = null;
let timer: ReturnType<typeof setTimeout> | undefined;

export function hideTip(): void {
  clearTimeout(timer);
  shown.tip = null;
}

export function tip(text: string, keys = '') {
  return (node: Element) => {
    const show = () => {
      owner = node;
      shown.tip = { text, keys, box: node.getBoundingClientRect() };
    };
    const enter = (event: Event) => {
      if (event instanceof PointerEvent && event.pointerType === 'touch') return;
      clearTimeout(timer);
      owner = node;
      timer = setTimeout(show, delayMs);
    };
    const focus = () => { if (node.matches(':focus-visible')) show(); };
    // Not at once: an element loses its focus or goes while the page is being drawn, when nothing may change.
    const leave = () => queueMicrotask(() => {
      if (owner === node) hideTip();
    });
    const events: [string, (event: Event) => void][] = [['pointerenter', enter], ['pointerleave', leave], ['focus', focus], ['blur', leave], ['click', leave]];
    for (const [name, handle] of events) node.addEventListener(name, handle);
    return () => {
      for (const [name, handle] of events) node.removeEventListener(name, handle);
      leave();
    };
  };
}
