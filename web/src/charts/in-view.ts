/** Tells when an element comes near the screen and when it leaves: charts are asked for and drawn only there. */
import { untrack } from 'svelte';

const MARGIN_PX = 160;

/** Attach to an element; `tell` hears true as it comes near, false as it leaves. */
export function inView(tell: (isSeen: boolean) => void): (node: Element) => () => void {
  return (node) => {
    const observer = new IntersectionObserver(
      (entries) => {
        const last = entries.at(-1);
        if (last !== undefined) tell(last.isIntersecting);
      },
      { rootMargin: `${MARGIN_PX}px 0px` },
    );
    // The observer tells in a later frame; what is in sight now need not wait for it to ask the server.
    if (isInSight(node.getBoundingClientRect())) untrack(() => tell(true));
    observer.observe(node);
    return () => observer.disconnect();
  };
}

function isInSight({ top, bottom, width }: DOMRect): boolean {
  return width > 0 && bottom > 0 && top < innerHeight;
}

/** Attach to an element; `tell` hears its inner size in CSS pixels, as it changes. */
export function sized(tell: (width: number, height: number) => void): (node: Element) => () => void {
  return (node) => {
    const observer = new ResizeObserver((entries) => {
      const box = entries.at(-1)?.contentRect;
      if (box !== undefined) tell(Math.floor(box.width), Math.floor(box.height));
    });
    // As above: known at once, then followed. None of these elements has a padding.
    untrack(() => tell(node.clientWidth, node.clientHeight));
    observer.observe(node);
    return () => observer.disconnect();
  };
}
