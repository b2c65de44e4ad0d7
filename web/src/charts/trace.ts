/**
 * How columns become lines. Traces into anything that has moveTo and lineTo: a canvas path or the text of an SVG path.
 * The raw line goes through first, min, max and last of each bucket, so a spike one point wide is drawn. A point between
 * two breaks is drawn as a line of no length: a round cap makes it a dot.
 */
import type { LineColumns } from './lines';

export interface Pen {
  moveTo(x: number, y: number): void;
  lineTo(x: number, y: number): void;
}

/** Places a value on the picture; NaN where it cannot stand there, as 0 on a log axis. */
export interface Places {
  readonly x: (index: number) => number;
  readonly y: (value: number) => number;
}

/** Trace the main line: through each filled bucket, broken at NaN and ±inf. */
export function traceMain(pen: Pen, columns: LineColumns, places: Places): void {
  const trail = new Trail(pen);
  for (let index = 0; index < columns.main.length; index += 1) {
    if (columns.breaks[index] === 1) trail.break();
    const value = columns.main[index] ?? Number.NaN;
    if (!Number.isNaN(value)) trail.goTo(places.x(index), places.y(value));
  }
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

/** Trace every bucket's first, least, greatest and last value. */
export function traceRaw(pen: Pen, columns: LineColumns, places: Places): void {
  const { first, min, max, last, count } = columns.series;
  const trail = new Trail(pen);
  for (let index = 0; index < columns.main.length; index += 1) {
    if (columns.breaks[index] === 1) trail.break();
    if ((count[index] ?? 0) === 0) continue;
    const x = places.x(index);
    const values = (count[index] ?? 0) === 1 ? [last[index]] : [first[index], min[index], max[index], last[index]];
    for (const value of values) if (value !== undefined && Number.isFinite(value)) trail.goTo(x, places.y(value));
  }
  trail.break();
}

/** Trace the area between least and greatest, one closed shape between two breaks. */
export function traceBand(pen: Pen, columns: LineColumns, places: Places): void {
  const { min, max } = columns.series;
  let from = 0;
  const n = columns.main.length;
  for (let index = 0; index <= n; index += 1) {
    if (index < n && columns.breaks[index] !== 1) continue;
    traceShape(pen, from, index, { min, max }, places);
    // A point behind a gap begins the next shape; a bucket of NaNs belongs to none.
    from = Number.isNaN(columns.main[index]) ? index + 1 : index;
  }
}

function traceShape(pen: Pen, from: number, to: number, edges: { min: Float64Array; max: Float64Array }, places: Places): void {
  const filled: number[] = [];
  for (let index = from; index < to; index += 1) {
    const [low, high] = [places.y(edges.min[index] ?? Number.NaN), places.y(edges.max[index] ?? Number.NaN)];
    if (Number.isFinite(low) && Number.isFinite(high)) filled.push(index);
  }
  const first = filled[0];
  if (first === undefined || filled.length < 2) return;
  pen.moveTo(places.x(first), places.y(edges.max[first] ?? 0));
  for (const index of filled) pen.lineTo(places.x(index), places.y(edges.max[index] ?? 0));
  for (const index of filled.reverse()) pen.lineTo(places.x(index), places.y(edges.min[index] ?? 0));
  pen.lineTo(places.x(first), places.y(edges.max[first] ?? 0));
}

/** Puts the pen down and lifts it; skips what stands nowhere. */
class Trail {
  private isDown = false;
  private start: readonly [number, number] | null = null;

  constructor(private readonly pen: Pen) {}

  goTo(x: number, y: number): void {
    if (!Number.isFinite(x) || !Number.isFinite(y)) {
      this.break();
      return;
    }
    if (this.isDown) {
      this.pen.lineTo(x, y);
      this.start = null;
    } else {
      this.pen.moveTo(x, y);
      this.start = [x, y];
    }
    this.isDown = true;
  }

  break(): void {
    if (this.start !== null) this.pen.lineTo(...this.start);
    this.start = null;
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

/** Points with a break or nothing on both sides: they have no line, so they are drawn as dots. */
export function findLonePoints({ main, breaks }: LineColumns): number[] {
  const lone: number[] = [];
  let members = 0;
  let last = -1;
  const close = (): void => {
    if (members === 1) lone.push(last);
    members = 0;
  };
  for (let index = 0; index < main.length; index += 1) {
    if (breaks[index] === 1) close();
    if (Number.isNaN(main[index])) continue;
    members += 1;
    last = index;
  }
  close();
  return lone;
}

export type MarkKind = 'nan' | 'posInf' | 'negInf';

export interface Mark {
  readonly kind: MarkKind;
  readonly x: number;
}

/** Where the triangles stand on the axes: one a kind and place, those closer than `gap` to the last left out. */
export function placeMarks(lines: readonly LineColumns[], toX: (index: number) => number, gap: number): Mark[] {
  const marks: Mark[] = [];
  for (const kind of ['nan', 'posInf', 'negInf'] as const) {
    const xs = lines.flatMap(({ series }) => [...series[kind]].flatMap((count, index) => (count > 0 ? [toX(index)] : [])));
    let last = -Infinity;
    for (const x of xs.sort((a, b) => a - b)) {
      if (x - last < gap) continue;
      marks.push({ kind, x });
      last = x;
    }
  }
  return marks;
}
