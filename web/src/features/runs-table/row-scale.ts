// Where rows of one height stand in a scroller. A browser draws nothing beyond some 17 to 33 million pixels, so past
// that the scroller is lower than its rows and its offset is stretched over them: the first row is still at its top, the
// last at its bottom. Up to half a million rows of 32 px nothing is stretched. Pure; all in CSS pixels.

export const maxScrollPx = 16_000_000;

export interface RowScale {
  rows: number;
  rowHeight: number;
  /** Room beside the rows: the header that sticks, what floats at the bottom. */
  extra: number;
  /** What is seen at once. */
  viewport: number;
}

const fullHeight = (scale: RowScale) => scale.rows * scale.rowHeight + scale.extra;

/** How high the scroller's content is. */
export const contentHeight = (scale: RowScale): number => Math.min(fullHeight(scale), maxScrollPx);

/** How much further the rows move than the scroller; 1 = as far. */
function stretch(scale: RowScale): number {
  const room = contentHeight(scale) - scale.viewport;
  return room > 0 ? (fullHeight(scale) - scale.viewport) / room : 1;
}

/** How far the rows are moved when the scroller stands at `scrollTop`. */
export const toOffset = (scrollTop: number, scale: RowScale): number => scrollTop * stretch(scale);

/** Where the scroller must stand so that the rows are moved by `offset`. */
export const toScrollTop = (offset: number, scale: RowScale): number => offset / stretch(scale);

/** First and last row in view, with some to spare; last < first where there is none. */
export function rowsInView(scrollTop: number, scale: RowScale, spare = 0): [number, number] {
  const offset = toOffset(scrollTop, scale);
  const first = Math.floor(offset / scale.rowHeight) - spare;
  const last = Math.ceil((offset + scale.viewport) / scale.rowHeight) - 1 + spare;
  return [Math.max(0, Math.min(first, scale.rows - 1)), Math.min(scale.rows - 1, last)];
}

/** The scroller's place, moved as little as needed, at which a row is whole between `head` pixels of header and the bottom. */
export function revealing(index: number, scrollTop: number, scale: RowScale, head: number, foot = 0): number {
  const top = index * scale.rowHeight;
  const offset = toOffset(scrollTop, scale);
  if (top < offset) return Math.floor(toScrollTop(top, scale));
  const bottom = top + scale.rowHeight + head + foot;
  return bottom > offset + scale.viewport ? Math.ceil(toScrollTop(bottom - scale.viewport, scale)) : scrollTop;
}

/** Give each row of a range the slot `index modulo size`, so that a row in view stays in its slot. */
export function ringOf(first: number, last: number, size: number): number[] {
  const count = Math.max(size, last - first + 1);
  const slots = new Array<number>(count);
  for (let index = first; index < first + count; index += 1) slots[index % count] = index;
  return slots;
}
