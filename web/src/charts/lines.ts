/**
 * What a chart shows, as plain columns: the main line of each run, where it is broken, what is odd about it. Pure, so that
 * drawing, hovering, the table twin and the exports all tell the same story. Empty buckets are bridged (a sparse metric
 * is a line, too); a bucket that holds only NaN or ±inf breaks the line.
 */
import type { Axis, Frame, Neighbour, SeriesFrame } from '@/domain/frame';
import { firstAtOrAfter, interpolate, lastFilled, nextFilled, quantile } from '@/domain/nearest';
import type { RankSource } from '@/domain/ranks';
import type { Scale } from '@/domain/ticks';

/** A run's line in a chart. */
export interface ChartLine {
  /** The run's id; with `metric` it names the series. */
  readonly run: string;
  readonly metric: string;
  readonly name: string;
  /** 0 to 23, see `domain/colour.ts`. */
  readonly slot: number;
  readonly isLive?: boolean;
  readonly isBaseline?: boolean;
}

/** How a chart is looked at; the same for all charts of a page. */
export interface ChartView {
  readonly axis: Axis;
  /** The metric that x is, where the axis is one. */
  readonly xMetric?: string;
  readonly scale: Scale;
  /** Weight of the moving average, 0 = none. */
  readonly smoothing: number;
  readonly hasBand: boolean;
  readonly hasRaw: boolean;
  /** Whose points, where several processes recorded a run; none = the run's own as everywhere. */
  readonly source?: RankSource;
  /** Show the 1st to 99th percentile only, and mark that more is there. */
  readonly isClipped: boolean;
}

/** Where a line comes from, or goes to, outside of the window that was read. */
export interface LineEnd {
  /** In the units of the axis. */
  readonly x: number;
  readonly main: number;
  readonly raw: number;
}

/** A line with its columns, all of the frame's length. */
export interface LineColumns {
  readonly line: ChartLine;
  readonly series: SeriesFrame;
  /** What the main line goes through; NaN where a bucket has nothing finite. */
  readonly main: Float64Array;
  /** Whether `main` is smoothed, so that the raw line is drawn under it. */
  readonly isSmoothed: boolean;
  /** 1 where the line is broken: at a bucket with only NaN or ±inf, and before a point behind a gap. */
  readonly breaks: Uint8Array;
  /** Index of the last filled bucket at or before each, the next one at or after; -1 where there is none. */
  readonly before: Int32Array;
  readonly after: Int32Array;
  /** Indices of points with a break or nothing on both sides: no line reaches them, so they are drawn as dots. */
  readonly lone: readonly number[];
  readonly entry: LineEnd | null;
  readonly exit: LineEnd | null;
  /** How many points were NaN, and how many ±inf. */
  readonly nan: number;
  readonly inf: number;
}

export interface OddCounts {
  readonly nan: number;
  readonly inf: number;
  /** Finite points that a log axis cannot show; counted by buckets. */
  readonly notPositive: number;
}

/** x in the units that an axis is labelled in: steps, seconds, or what a metric is counted in. */
export function toAxisUnits(frame: Frame): Float64Array {
  const unit = unitOf(frame.axis);
  return unit === 1 ? frame.x : frame.x.map((micros) => micros / unit);
}

const unitOf = (axis: Axis): number => (axis === 'step' || axis === 'metric' ? 1 : 1e6);

/**
 * Join a frame's series with the lines that asked for them; a line without its series is left out.
 *
 * With `hasGaps`, lines are broken where points are missing: where two are more than three times as far apart as usual.
 */
export function toColumns(frame: Frame, lines: readonly ChartLine[], hasGaps = false): LineColumns[] {
  const bySeries = new Map(frame.series.map((series) => [seriesKey(series), series]));
  return lines.flatMap((line) => {
    const series = bySeries.get(seriesKey(line));
    if (series === undefined) return [];
    return [buildColumns(line, series, frame, hasGaps)];
  });
}

export function seriesKey(of: { readonly run: string; readonly metric: string }): string {
  return `${of.run}/${of.metric}`;
}

function buildColumns(line: ChartLine, series: SeriesFrame, frame: Frame, hasGaps: boolean): LineColumns {
  const n = series.count.length;
  const main = new Float64Array(n).fill(Number.NaN);
  const breaks = new Uint8Array(n);
  const through = series.smoothed ?? series.last;
  let nan = 0;
  let inf = 0;
  for (let index = 0; index < n; index += 1) {
    const nans = series.nan[index] ?? 0;
    const odd = nans + (series.posInf[index] ?? 0) + (series.negInf[index] ?? 0);
    if ((series.count[index] ?? 0) > odd) main[index] = firstFinite(through[index], series, index);
    else if (odd > 0) breaks[index] = 1;
    nan += nans;
    inf += odd - nans;
  }
  if (hasGaps) markGaps(main, breaks, frame.x);
  const isFilled = (index: number): boolean => !Number.isNaN(main[index]);
  const isSmoothed = series.smoothed !== null;
  const [entry, exit] = [toEnd(series.before, frame.axis), toEnd(series.after, frame.axis)];
  const lone = findLone(main, breaks, entry !== null, exit !== null);
  return { line, series, main, isSmoothed, breaks, before: lastFilled(n, isFilled), after: nextFilled(n, isFilled), lone, entry, exit, nan, inf };
}

function toEnd(neighbour: Neighbour | null, axis: Axis): LineEnd | null {
  if (neighbour === null) return null;
  const { x, value, smoothed } = neighbour;
  return { x: x / unitOf(axis), main: smoothed ?? value, raw: value };
}

/** Whether a line goes through what was read, or at least across it. */
export function isCrossing({ entry, exit, series }: LineColumns): boolean {
  return (entry !== null && exit !== null) || series.count.some((count) => count > 0);
}

function findLone(main: Float64Array, breaks: Uint8Array, hasEntry: boolean, hasExit: boolean): number[] {
  const lone: number[] = [];
  let members = hasEntry ? 1 : 0;
  let last = -1;
  for (let index = 0; index <= main.length; index += 1) {
    if (breaks[index] === 1 || index === main.length) {
      const isReached = index === main.length && hasExit;
      if (members === 1 && last >= 0 && !isReached) lone.push(last);
      members = 0;
    }
    if (Number.isNaN(main[index] ?? Number.NaN)) continue;
    members += 1;
    last = index;
  }
  return lone;
}

/** How many times the usual distance is a gap. */
const GAP_FACTOR = 3;

function markGaps(main: Float64Array, breaks: Uint8Array, xs: Float64Array): void {
  const filled: number[] = [];
  for (let index = 0; index < main.length; index += 1) if (!Number.isNaN(main[index])) filled.push(index);
  const distances = filled.slice(1).map((index, place) => (xs[index] ?? 0) - (xs[filled[place] ?? 0] ?? 0));
  const usual = quantile(Float64Array.from(distances).sort(), 0.5);
  for (const [place, distance] of distances.entries()) {
    const next = filled[place + 1];
    if (next !== undefined && distance > usual * GAP_FACTOR) breaks[next] = 1;
  }
}

/** `count` holds odd points, too, so the last of a bucket may be NaN while others in it are not. */
function firstFinite(value: number | undefined, { first, min, max }: SeriesFrame, index: number): number {
  if (value !== undefined && Number.isFinite(value)) return value;
  return [first[index], max[index], min[index]].find((one) => Number.isFinite(one)) ?? Number.NaN;
}

/** What a line reads at x. */
export type Reading =
  | { readonly kind: 'value'; readonly value: number; readonly raw: number; readonly index: number }
  | { readonly kind: 'not yet' | 'ended' | 'none' };

/** Read a line at x: the last bucket at or before it. Past its end a line that runs on is `not yet` there. */
export function readAt(columns: LineColumns, xs: Float64Array, x: number): Reading {
  const cut = firstAtOrAfter(xs, x);
  const at = Math.min(xs[cut] === x ? cut : cut - 1, xs.length - 1);
  const index = at < 0 ? -1 : (columns.before[at] ?? -1);
  if (index < 0 && columns.entry === null) return { kind: 'none' };
  const isPast = (columns.after[Math.min(cut, xs.length - 1)] ?? -1) < 0 && columns.exit === null;
  if (isPast && xs[index] !== x) return { kind: columns.line.isLive === true ? 'not yet' : 'ended' };
  if (index < 0) return { kind: 'value', value: columns.entry?.main ?? Number.NaN, raw: columns.entry?.raw ?? Number.NaN, index };
  return { kind: 'value', value: columns.main[index] ?? Number.NaN, raw: columns.series.last[index] ?? Number.NaN, index };
}

/** The height of the drawn line at x, between two points where it falls between; NaN where no line is. */
export function lineAt(columns: LineColumns, xs: Float64Array, x: number, scale: Scale = 'linear'): number {
  const [before, after] = aroundOf(columns, xs, x);
  if (before === null || after === null) return Number.NaN;
  if (scale !== 'log' || before.main <= 0 || after.main <= 0) return interpolate(before.x, before.main, after.x, after.main, x);
  return Math.exp(interpolate(before.x, Math.log(before.main), after.x, Math.log(after.main), x));
}

/** The points of a line on both sides of x, or at it. */
function aroundOf(columns: LineColumns, xs: Float64Array, x: number): readonly [Omit<LineEnd, 'raw'> | null, Omit<LineEnd, 'raw'> | null] {
  const cut = firstAtOrAfter(xs, x);
  const pointAt = (index: number) => ({ x: xs[index] ?? x, main: columns.main[index] ?? Number.NaN });
  const before = columns.before[xs[cut] === x ? cut : cut - 1] ?? -1;
  const after = columns.after[cut] ?? -1;
  return [before < 0 ? columns.entry : pointAt(before), after < 0 ? columns.exit : pointAt(after)];
}

/** Whether better is up: most tooltips are read from the best down. Without a direction, from the top down. */
export function compareReadings(a: Reading, b: Reading, direction: 'max' | 'min' | null): number {
  if (a.kind !== 'value' || b.kind !== 'value') return Number(b.kind === 'value') - Number(a.kind === 'value');
  return direction === 'min' ? a.value - b.value : b.value - a.value;
}

/** How many points were NaN or infinite, and how many buckets a log axis cannot show. */
export function countOdd(lines: readonly LineColumns[], scale: Scale): OddCounts {
  const sum = (of: (line: LineColumns) => number): number => lines.reduce((total, line) => total + of(line), 0);
  return { nan: sum(({ nan }) => nan), inf: sum(({ inf }) => inf), notPositive: scale === 'log' ? sum(countNotPositive) : 0 };
}

function countNotPositive({ main }: LineColumns): number {
  let found = 0;
  for (const value of main) if (value <= 0) found += 1;
  return found;
}

export interface Extent {
  readonly low: number;
  readonly high: number;
  /** Something lies beyond it, as the percentiles were asked for. */
  readonly isClipped: boolean;
}

/**
 * The range of y that shows the lines between two x: all of what is drawn, or its 1st to 99th percentile. Of a line that
 * comes from outside of what was read, or goes there, that is also where it crosses the edge.
 */
export function yExtent(lines: readonly LineColumns[], xs: Float64Array, view: ChartView, from: number, to: number): Extent | null {
  const first = firstAtOrAfter(xs, from);
  const end = firstBeyond(xs, first, to);
  const crossings = Float64Array.from(lines.flatMap((one) => findCrossings(one, xs, view.scale, from, to)));
  const columns = lines.flatMap((one) => drawnColumns(one, view));
  if (view.isClipped) {
    const isWanted = (value: number): boolean => Number.isFinite(value) && (view.scale !== 'log' || value > 0);
    const values = [...columns.flatMap((column) => [...column.subarray(first, end)]), ...crossings].filter(isWanted);
    return values.length === 0 ? null : clipExtent(Float64Array.from(values).sort());
  }
  const above = view.scale === 'log' ? 0 : Number.NEGATIVE_INFINITY;
  return joinExtents(findExtent(columns, first, end, above), findExtent([crossings], 0, crossings.length, above));
}

/** A symlog axis follows from its range, so there it is where the line comes from and goes to. */
function findCrossings(one: LineColumns, xs: Float64Array, scale: Scale, from: number, to: number): number[] {
  if (scale === 'symlog' && one.entry !== null && one.exit !== null) return [one.entry.main, one.exit.main];
  const sides = [one.entry === null ? Number.NaN : lineAt(one, xs, from, scale), one.exit === null ? Number.NaN : lineAt(one, xs, to, scale)];
  return sides.filter((value) => !Number.isNaN(value));
}

function joinExtents(one: Extent | null, other: Extent | null): Extent | null {
  if (one === null || other === null) return one ?? other;
  return { ...one, low: Math.min(one.low, other.low), high: Math.max(one.high, other.high) };
}

function drawnColumns({ main, isSmoothed, series }: LineColumns, { hasBand, hasRaw }: ChartView): Float64Array[] {
  return hasBand || hasRaw || !isSmoothed ? [main, series.min, series.max] : [main];
}

/** On every zoom and every live point, for each chart: so two comparisons a value, which NaN fails by itself. */
function findExtent(columns: readonly Float64Array[], first: number, end: number, above: number): Extent | null {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const column of columns) {
    for (let index = first; index < end; index += 1) {
      const value = column[index] ?? Number.NaN;
      if (!(value > above && value < Number.POSITIVE_INFINITY)) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  return low > high ? null : { low, high, isClipped: false };
}

function firstBeyond(xs: Float64Array, from: number, to: number): number {
  let end = from;
  while (end < xs.length && (xs[end] ?? to) <= to) end += 1;
  return end;
}

function clipExtent(sorted: Float64Array): Extent {
  const [low, high] = [quantile(sorted, 0.01), quantile(sorted, 0.99)];
  return { low, high, isClipped: low > (sorted[0] ?? 0) || high < (sorted.at(-1) ?? 0) };
}
