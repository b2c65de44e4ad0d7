/** Builders for tests of charts: a series from plain values, as the server would reduce it. */
import type { Frame, SeriesFrame } from '@/domain/frame';
import { toColumns, type ChartLine, type ChartView, type LineColumns } from './lines';

export interface Bucket {
  readonly values: readonly number[];
  readonly smoothed?: number;
}

/** Reduce buckets of points as the server does: `count` holds odd points, min and max leave NaN out. */
export function buildSeries(buckets: readonly Bucket[], run = 'a', metric = 'loss'): SeriesFrame {
  const column = (read: (bucket: Bucket) => number | undefined): Float64Array => Float64Array.from(buckets, (one) => read(one) ?? Number.NaN);
  const countOf = (is: (value: number) => boolean): Uint32Array => Uint32Array.from(buckets, ({ values }) => values.filter(is).length);
  const known = (values: readonly number[]): number[] => values.filter((value) => !Number.isNaN(value));
  const hasSmoothed = buckets.some(({ smoothed }) => smoothed !== undefined);
  return {
    run,
    metric,
    rank: 0,
    isReduced: false,
    first: column(({ values }) => values[0]),
    last: column(({ values }) => values.at(-1)),
    min: column(({ values }) => (known(values).length > 0 ? Math.min(...known(values)) : Number.NaN)),
    max: column(({ values }) => (known(values).length > 0 ? Math.max(...known(values)) : Number.NaN)),
    smoothed: hasSmoothed ? column(({ smoothed }) => smoothed) : null,
    count: countOf(() => true),
    nan: countOf(Number.isNaN),
    posInf: countOf((value) => value === Infinity),
    negInf: countOf((value) => value === -Infinity),
    before: null,
    after: null,
  };
}

export function buildFrame(series: readonly SeriesFrame[], x?: readonly number[]): Frame {
  const n = series[0]?.count.length ?? 0;
  return { axis: 'step', isExact: true, x: Float64Array.from(x ?? Array.from({ length: n }, (_, index) => index)), series };
}

export function buildLine(change: Partial<ChartLine> = {}): ChartLine {
  return { run: 'a', metric: 'loss', name: 'amber-heron-7c1e', slot: 0, ...change };
}

/** A line through single values; NaN and ±inf are odd points, null is an empty bucket. */
export function buildColumns(values: readonly (number | null)[], change: Partial<ChartLine> = {}): LineColumns {
  const line = buildLine(change);
  const series = buildSeries(values.map((value) => ({ values: value === null ? [] : [value] })), line.run, line.metric);
  const [columns] = toColumns(buildFrame([series]), [line]);
  if (columns === undefined) throw new Error('a line without its series');
  return columns;
}

export const plainView: ChartView = { axis: 'step', scale: 'linear', smoothing: 0, hasBand: true, hasRaw: true, isClipped: false };
