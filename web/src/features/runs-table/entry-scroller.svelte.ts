// Which entries of a long list of several heights stand in view, by @tanstack/virtual-core.
import { untrack } from 'svelte';
import { elementScroll, observeElementOffset, observeElementRect, Virtualizer, type VirtualItem } from '@tanstack/virtual-core';

export class EntryScroller {
  items = $state.raw<readonly VirtualItem[]>([]);
  height = $state(0);
  #sizes: () => readonly number[];
  #virtual: Virtualizer<HTMLElement, HTMLElement> | null = null;

  /** `sizes` are the entries' heights in CSS pixels. */
  constructor(sizes: () => readonly number[]) {
    this.#sizes = sizes;
  }

  /** Follow a scroller; for `{@attach}`. */
  attach = (node: HTMLElement): (() => void) => {
    const options = () => {
      const sizes = this.#sizes();
      return {
        count: sizes.length,
        getScrollElement: () => node,
        estimateSize: (index: number) => sizes[index] ?? 0,
        scrollToFn: elementScroll,
        observeElementRect,
        observeElementOffset,
        overscan: 8,
        initialRect: { width: node.clientWidth, height: node.clientHeight },
        onChange: () => this.#take(),
      };
    };
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
    return () => {
      stop();
      this.#virtual = null;
    };
  };

  #take(): void {
    this.items = this.#virtual?.getVirtualItems() ?? [];
    this.height = this.#virtual?.getTotalSize() ?? 0;
  }

  /** Bring an entry into view. */
  reveal(index: number): void {
    this.#virtual?.scrollToIndex(index, { align: 'auto' });
  }
}
