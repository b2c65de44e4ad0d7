/** Tells when an element comes near the screen and when it leaves: charts are asked for and drawn only there. */

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
    observer.observe(node);
    return () => observer.disconnect();
  };
}

/** Attach to an element; `tell` hears its inner size in CSS pixels, as it changes. */
export function sized(tell: (width: number, height: number) => void): (node: Element) => () => void {
  return (node) => {
    const observer = new ResizeObserver((entries) => {
      const box = entries.at(-1)?.contentRect;
      if (box !== undefined) tell(Math.floor(box.width), Math.floor(box.height));
    });
    observer.observe(node);
    return () => observer.disconnect();
  };
}
