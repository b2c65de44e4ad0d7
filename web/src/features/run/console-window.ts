/**
 * Which lines of a console are in sight. Pure. Browsers stop at some 30 million pixels of height, so past that the scroll
 * bar stands for the whole and each of its pixels for several lines.
 */

export const LINE_PX = 18;
export const HEIGHT_MOST_PX = 8_000_000;
/** Lines are asked for in windows of so many. */
export const WINDOW_LINES = 400;

export interface ConsoleView {
  /** The scroller's inner height. */
  readonly height: number;
  /** First line in sight and the one behind the last, from 0. */
  readonly from: number;
  readonly to: number;
  /** Where the first of them stands, in the scroller's own pixels. */
  readonly top: number;
}

const MARGIN_LINES = 8;

export function viewOf(total: number, scrollTop: number, viewHeight: number): ConsoleView {
  const height = Math.max(viewHeight, Math.min(total * LINE_PX, HEIGHT_MOST_PX));
  const first = lineAt(total, scrollTop, viewHeight);
  const seen = Math.ceil(viewHeight / LINE_PX) + 1;
  const from = Math.max(0, Math.floor(first) - MARGIN_LINES);
  const to = Math.min(total, Math.ceil(first) + seen + MARGIN_LINES);
  // Fractions are kept, so that a scroll by a pixel moves by a pixel where lines have their own height.
  return { height, from, to, top: Math.max(0, scrollTop - (first - from) * LINE_PX) };
}

/** The line, with its fraction, at the top of what is seen. */
export function lineAt(total: number, scrollTop: number, viewHeight: number): number {
  const natural = total * LINE_PX;
  if (natural <= HEIGHT_MOST_PX) return scrollTop / LINE_PX;
  const part = scrollTop / Math.max(1, HEIGHT_MOST_PX - viewHeight);
  return Math.min(1, part) * Math.max(0, total - viewHeight / LINE_PX);
}

/** How far to scroll so that a line is at the top of what is seen. */
export function scrollTopOf(total: number, line: number, viewHeight: number): number {
  const natural = total * LINE_PX;
  if (natural <= HEIGHT_MOST_PX) return line * LINE_PX;
  return (line / Math.max(1, total - viewHeight / LINE_PX)) * (HEIGHT_MOST_PX - viewHeight);
}

/** Numbers of the windows that hold lines `from` to `to`. */
export function windowsOf(from: number, to: number): number[] {
  const first = Math.floor(from / WINDOW_LINES);
  const last = Math.floor(Math.max(from, to - 1) / WINDOW_LINES);
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
