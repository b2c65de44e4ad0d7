// Which rows of a long list stand in view. All rows are of one height, so two divisions say it. Rows keep their place in
// a ring of slots, so that scrolling moves and refills elements instead of making and dropping them.
import { untrack } from 'svelte';
import { contentHeight, revealing, ringOf, rowsInView, toOffset, type RowScale } from './row-scale';

const overscan = 6;

export interface RowRoom {
  rows: number;
  rowHeight: number;
  extra: number;
}

export class RowScroller {
  first = $state(0);
  last = $state(-1);
  left = $state(0);
  width = $state(1200);
  /** Row index by slot. */
  slots = $state.raw<readonly number[]>([]);
  /** How far rows stand above where their number puts them, because the scroller is lower than they are. */
  shift = $state(0);
  #viewport = $state(600);
  #node: HTMLElement | null = null;
  #room: () => RowRoom;

  constructor(room: () => RowRoom) {
    this.#room = room;
  }
  readonly #scale: RowScale = $derived.by(() => ({ ...this.#room(), viewport: this.#viewport }));
  readonly height = $derived.by(() => contentHeight(this.#scale));

  /** Follow a scroller; for `{@attach}`. */
  attach = (node: HTMLElement): (() => void) => {
    this.#node = node;
    const resize = () => {
      this.#viewport = node.clientHeight;
      this.width = node.clientWidth;
    };
    untrack(resize);
    $effect(() => this.#take(this.#scale));
    const follow = () => {
      if (node.scrollLeft !== this.left) this.left = node.scrollLeft;
      this.#take(this.#scale);
    };
    const sized = new ResizeObserver(resize);
    sized.observe(node);
    node.addEventListener('scroll', follow, { passive: true });
    return () => {
      sized.disconnect();
      node.removeEventListener('scroll', follow);
      this.#node = null;
    };
  };

  #take(scale: RowScale): void {
    const node = this.#node;
    if (!node) return;
    const [first, last] = rowsInView(node.scrollTop, scale, overscan);
    const size = Math.max(untrack(() => this.slots.length), last - first + 1);
    if (first !== untrack(() => this.first) || last !== untrack(() => this.last)) this.slots = ringOf(first, last, size);
    this.first = first;
    this.last = last;
    this.shift = Math.round(toOffset(node.scrollTop, scale) - node.scrollTop);
  }

  toTop(): void {
    this.#node?.scrollTo({ top: 0 });
  }

  /** Rows that are seen at once. */
  get page(): number {
    return Math.max(1, Math.floor(this.#viewport / this.#scale.rowHeight) - 2);
  }

  /** Scroll as little as needed to bring a row whole between the header and the bottom. */
  reveal(index: number, head: number): void {
    const node = this.#node;
    if (!node) return;
    const wanted = revealing(index, node.scrollTop, this.#scale, head, 4);
    if (wanted !== node.scrollTop) node.scrollTop = wanted;
  }
}
