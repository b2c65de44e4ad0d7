// Which rows of a long list stand in view, by @tanstack/virtual-core. Rows keep their place in a ring of slots, so that
// scrolling moves and refills elements instead of making and dropping them.
import { untrack } from 'svelte';
import { elementScroll, observeElementOffset, observeElementRect, Virtualizer } from '@tanstack/virtual-core';

const overscan = 6;

export class RowScroller {
  first = $state(0);
  last = $state(0);
  left = $state(0);
  width = $state(1200);
  /** Row index by slot. */
  slots = $state.raw<readonly number[]>([]);
  #node: HTMLElement | null = null;
  #count: () => number;
  #rowHeight: () => number;
  #virtual: Virtualizer<HTMLElement, HTMLElement> | null = null;

  constructor(count: () => number, rowHeight: () => number) {
    this.#count = count;
    this.#rowHeight = rowHeight;
  }

  /** Follow a scroller; for `{@attach}`. */
  attach = (node: HTMLElement): (() => void) => {
    this.#node = node;
    const options = () => ({
      count: this.#count(),
      getScrollElement: () => node,
      estimateSize: () => this.#rowHeight(),
      scrollToFn: elementScroll,
      observeElementRect,
      observeElementOffset,
      overscan,
      // Where the way back put it; the library would begin at the top.
      initialOffset: () => node.scrollTop,
      initialRect: { width: node.clientWidth, height: node.clientHeight },
      onChange: () => this.#take(),
    });
    const virtual = new Virtualizer<HTMLElement, HTMLElement>(untrack(options));
    this.#virtual = virtual;
    const stop = virtual._didMount();
    $effect(() => {
      virtual.setOptions(options());
      untrack(() => {
        virtual._willUpdate();
        virtual.measure();
        this.#take();
      });
    });
    const aside = () => {
      if (node.scrollLeft !== this.left) this.left = node.scrollLeft;
    };
    const sized = new ResizeObserver(() => (this.width = node.clientWidth));
    sized.observe(node);
    node.addEventListener('scroll', aside, { passive: true });
    return () => {
      stop();
      sized.disconnect();
      node.removeEventListener('scroll', aside);
      this.#node = null;
    };
  };

  #take(): void {
    const items = this.#virtual?.getVirtualItems() ?? [];
    this.first = items[0]?.index ?? 0;
    this.last = items.at(-1)?.index ?? 0;
    this.slots = ringOf(this.first, this.last, Math.max(this.slots.length, items.length));
  }

  toTop(): void {
    this.#node?.scrollTo({ top: 0 });
  }

  /** Scroll as little as needed to bring a row between header rows and bottom. */
  reveal(index: number, headRows: number): void {
    const node = this.#node;
    if (!node) return;
    const height = this.#rowHeight();
    const top = index * height;
    if (top < node.scrollTop) node.scrollTop = top;
    const bottom = top + height * (headRows + 1);
    if (bottom > node.scrollTop + node.clientHeight - 4) node.scrollTop = bottom - node.clientHeight + 4;
  }
}

/** Give each row of a range the slot `index modulo size`, so that a row in view stays in its slot. Pure. */
export function ringOf(first: number, last: number, size: number): number[] {
  const count = Math.max(size, last - first + 1);
  const slots = new Array<number>(count);
  for (let index = first; index < first + count; index += 1) slots[index % count] = index;
  return slots;
}
