/**
 * Which rows of a grid of equal cards are near the screen. Pure; ten thousand metrics cost as much as the dozen in sight.
 */

export interface GridWindow {
  /** Index of the first card to render and of the one behind the last. */
  readonly from: number;
  readonly to: number;
  /** Where the first rendered row begins, and how high all rows are. */
  readonly top: number;
  readonly height: number;
}

export interface GridPlace {
  /** Where the grid begins, from the top of what is visible; negative when it began above. */
  readonly offset: number;
  readonly viewHeight: number;
}

/** How many columns fit; at least one. */
export function columnsThatFit(width: number, leastWidth: number, gap: number): number {
  return Math.max(1, Math.floor((width + gap) / (leastWidth + gap)));
}

/** The cards to render: those in sight, and `margin` rows each way. */
export function windowOf(count: number, columns: number, rowHeight: number, gap: number, place: GridPlace, margin = 1): GridWindow {
  const rows = Math.ceil(count / columns);
  const stride = rowHeight + gap;
  const height = rows === 0 ? 0 : rows * stride - gap;
  const first = clamp(Math.floor(-place.offset / stride) - margin, 0, rows);
  const last = clamp(Math.ceil((place.viewHeight - place.offset) / stride) + margin, first, rows);
  return { from: first * columns, to: Math.min(count, last * columns), top: first * stride, height };
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
