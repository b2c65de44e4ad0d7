/**
 * How columns become lines. Traces into anything that has moveTo and lineTo: a canvas or the text of an SVG path. Only what
 * is in sight is traced, and the next point on each side, be it outside of what was read. The raw line goes through first,
 * min, max and last of each bucket, so a spike one point wide is drawn. A point between two breaks is drawn as a line of no
 * length: a round cap makes it a dot.
 */
import type { LineColumns, LineEnd } from './lines';
import type { Places } from './places';

export interface Pen {
  moveTo(x: number, y: number): void;
  lineTo(x: number, y: number): void;
}

/** Trace the main line: through each filled bucket, broken at NaN and ±inf. */
export function traceMain(pen: Pen, columns: LineColumns, places: Places): void {
  const { main, breaks } = columns;
  const { px, y } = places;
  const [from, to] = reach(columns, places);
  const [entry, exit] = endsOf(columns, from, to);
  const trail = new Trail(pen);
  if (entry !== null) trail.goTo(places.x(entry.x), y(entry.main));
  for (let index = from; index < to; index += 1) {
    if (breaks[index] === 1) trail.break();
    const value = main[index] ?? Number.NaN;
    if (!Number.isNaN(value)) trail.goTo(px[index] ?? Number.NaN, y(value));
  }
  if (exit !== null) trail.goTo(places.x(exit.x), y(exit.main));
  trail.break();
}

/** Trace what a line is drawn as: smoothed or over ranks it has values of its own, else it goes through all extremes. */
export function traceLine(pen: Pen, columns: LineColumns, places: Places): void {
  (hasOwnLine(columns) ? traceMain : traceRaw)(pen, columns, places);
}

/** Whether the raw line stands under a smoothed one. Of several ranks there is none: the band tells where they are. */
export function hasRawUnder({ isSmoothed, series }: LineColumns): boolean {
  return isSmoothed && !series.isReduced;
}

function hasOwnLine({ isSmoothed, series }: LineColumns): boolean {
  return isSmoothed || series.isReduced;
}

/** Trace all that was logged: a bucket of several points as the way from its least to its greatest, or back where that is nearer. */
export function traceRaw(pen: Pen, columns: LineColumns, places: Places): void {
  const { breaks } = columns;
  const { min, max, last, count } = columns.series;
  const { px, y } = places;
  const [from, to] = reach(columns, places);
  const trail = new Trail(pen);
  let before = Number.NaN;
  // One is odd where others of its bucket are not: it is left out, and breaks nothing.
  const pass = (x: number, value: number): void => {
    if (!Number.isFinite(value)) return;
    trail.goTo(x, y(value));
    before = value;
  };
  const [entry, exit] = endsOf(columns, from, to);
  if (entry !== null) pass(places.x(entry.x), entry.raw);
  for (let index = from; index < to; index += 1) {
    if (breaks[index] === 1) trail.break();
    const points = count[index] ?? 0;
    const x = px[index] ?? Number.NaN;
    if (points === 1) pass(x, last[index] ?? Number.NaN);
    if (points < 2) continue;
    const low = min[index] ?? Number.NaN;
    const high = max[index] ?? Number.NaN;
    const isFromHigh = before - low > high - before;
    pass(x, isFromHigh ? high : low);
    if (low !== high) pass(x, isFromHigh ? low : high);
  }
  if (exit !== null) pass(places.x(exit.x), exit.raw);
  trail.break();
}

/** Trace the area between least and greatest, one closed shape between two breaks. */
export function traceBand(pen: Pen, columns: LineColumns, places: Places): void {
  const [start, end] = reach(columns, places);
  let from = start;
  for (let index = start; index <= end; index += 1) {
    if (index < end && columns.breaks[index] !== 1) continue;
    traceShape(pen, from, index, columns, places);
    // A point behind a gap begins the next shape; a bucket of NaNs belongs to none.
    from = Number.isNaN(columns.main[index]) ? index + 1 : index;
  }
}

function traceShape(pen: Pen, from: number, to: number, { series: { min, max } }: LineColumns, { px, y }: Places): void {
  const filled: number[] = [];
  for (let index = from; index < to; index += 1) {
    if (Number.isFinite(y(min[index] ?? Number.NaN)) && Number.isFinite(y(max[index] ?? Number.NaN))) filled.push(index);
  }
  const first = filled[0];
  if (first === undefined || filled.length < 2) return;
  const goTo = (index: number, edge: Float64Array): void => pen.lineTo(px[index] ?? 0, y(edge[index] ?? 0));
  pen.moveTo(px[first] ?? 0, y(max[first] ?? 0));
  for (const index of filled) goTo(index, max);
  for (const index of filled.reverse()) goTo(index, min);
  goTo(first, max);
}

/** Trace the same area as one upright stroke for each pixel column of a box; a stroke of one pixel fills it. */
export function traceBandColumns(pen: Pen, columns: LineColumns, places: Places, box: { readonly left: number; readonly width: number }): void {
  const edges = findEdges(columns, places, box);
  for (let column = 0; column < edges.top.length; column += 1) {
    const top = edges.top[column] ?? 0;
    const bottom = edges.bottom[column] ?? 0;
    if (top >= bottom) continue;
    pen.moveTo(box.left + column + 0.5, top);
    pen.lineTo(box.left + column + 0.5, bottom);
  }
}

/** The upper and lower edge of a band in the middle of each pixel column, and all of the buckets that lie in it. */
function findEdges({ main, breaks, series: { min, max }, ...rest }: LineColumns, places: Places, box: { readonly left: number; readonly width: number }) {
  const { px, y } = places;
  const [from, to] = reach(rest, places);
  const n = Math.max(0, Math.ceil(box.width));
  const top = new Float64Array(n).fill(Number.POSITIVE_INFINITY);
  const bottom = new Float64Array(n).fill(Number.NEGATIVE_INFINITY);
  const include = (column: number, high: number, low: number): void => {
    if (high < (top[column] ?? 0)) top[column] = high;
    if (low > (bottom[column] ?? 0)) bottom[column] = low;
  };
  let x0 = Number.NaN;
  let high0 = Number.NaN;
  let low0 = Number.NaN;
  for (let index = from; index < to; index += 1) {
    if (breaks[index] === 1) x0 = Number.NaN;
    if (Number.isNaN(main[index])) continue;
    const x = (px[index] ?? Number.NaN) - box.left;
    const high = y(max[index] ?? Number.NaN);
    const low = y(min[index] ?? Number.NaN);
    // Not the columns of the two themselves: those hold what they hold.
    for (let column = Math.max(0, Math.floor(x0) + 1); column < Math.min(n, x - 0.5); column += 1) {
      const share = (column + 0.5 - x0) / (x - x0);
      include(column, high0 + (high - high0) * share, low0 + (low - low0) * share);
    }
    include(Math.floor(x), high, low);
    x0 = Number.isFinite(high) && Number.isFinite(low) ? x : Number.NaN;
    high0 = high;
    low0 = low;
  }
  return { top, bottom };
}

/** The indices that a line is traced through: those in sight, and the filled ones before and after, which it comes from. */
function reach({ before, after }: Pick<LineColumns, 'before' | 'after'>, { from, to }: Places): readonly [number, number] {
  const left = from > 0 ? (before[from - 1] ?? -1) : -1;
  const right = to < after.length ? (after[to] ?? -1) : -1;
  return [left < 0 ? from : left, right < 0 ? to : right + 1];
}

/** Where a line that is traced between two indices comes from and goes to outside of what was read; null where it does not. */
function endsOf({ before, after, breaks, entry, exit }: LineColumns, from: number, to: number): readonly [LineEnd | null, LineEnd | null] {
  const hasEntry = entry !== null && (before[from - 1] ?? -1) < 0 && !breaks.subarray(0, from).includes(1);
  const hasExit = exit !== null && (after[to] ?? -1) < 0 && !breaks.subarray(to).includes(1);
  return [hasEntry ? entry : null, hasExit ? exit : null];
}

/** Puts the pen down and lifts it; skips what stands nowhere. */
class Trail {
  private isDown = false;
  private isAtStart = false;
  private startX = 0;
  private startY = 0;

  constructor(private readonly pen: Pen) {}

  goTo(x: number, y: number): void {
    if (!Number.isFinite(x) || !Number.isFinite(y)) {
      this.break();
      return;
    }
    if (this.isDown) {
      this.pen.lineTo(x, y);
      this.isAtStart = false;
      return;
    }
    this.pen.moveTo(x, y);
    this.isDown = true;
    this.isAtStart = true;
    this.startX = x;
    this.startY = y;
  }

  break(): void {
    if (this.isAtStart) this.pen.lineTo(this.startX, this.startY);
    this.isAtStart = false;
    this.isDown = false;
  }
}

/** The text of an SVG path, with two decimals. */
export class SvgPen implements Pen {
  private readonly parts: string[] = [];

  moveTo(x: number, y: number): void {
    this.parts.push(`M${x.toFixed(2)} ${y.toFixed(2)}`);
  }

  lineTo(x: number, y: number): void {
    this.parts.push(`L${x.toFixed(2)} ${y.toFixed(2)}`);
  }

  toString(): string {
    return this.parts.join('');
  }
}

export type MarkKind = 'nan' | 'posInf' | 'negInf';

export interface Mark {
  readonly kind: MarkKind;
  readonly x: number;
}

/** Where the triangles stand on the axes: one a kind and place, those closer than `gap` pixels to the last left out. */
export function placeMarks(lines: readonly LineColumns[], { px, from, to }: Places, gap: number): Mark[] {
  const odd = lines.filter(({ nan, inf }) => nan + inf > 0);
  const marks: Mark[] = [];
  if (odd.length === 0) return marks;
  for (const kind of ['nan', 'posInf', 'negInf'] as const) {
    let last = -Infinity;
    for (let index = from; index < to; index += 1) {
      const x = px[index] ?? Number.NaN;
      if (x - last < gap || !odd.some(({ series }) => (series[kind][index] ?? 0) > 0)) continue;
      marks.push({ kind, x });
      last = x;
    }
  }
  return marks;
}
