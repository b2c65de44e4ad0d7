import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { buildColumns, buildFrame, buildLine, buildSeries, plainView } from './fixtures';
import { compareReadings, countOdd, isCrossing, lineAt, readAt, toAxisUnits, toColumns, yExtent } from './lines';

const xs = (n: number): Float64Array => Float64Array.from({ length: n }, (_, index) => index);

describe('toColumns', () => {
  test('joins lines with their series by run, metric and rank', () => {
    const frame = buildFrame([buildSeries([{ values: [1] }], 'a'), buildSeries([{ values: [2] }], 'b')]);
    const found = toColumns(frame, [buildLine({ run: 'b' }), buildLine({ run: 'a' }), buildLine({ run: 'c' })]);
    expect(found.map(({ line, main }) => [line.run, main[0]])).toEqual([
      ['b', 2],
      ['a', 1],
    ]);
  });

  test('goes through the smoothed values where there are some', () => {
    const frame = buildFrame([buildSeries([{ values: [1], smoothed: 10 }, { values: [2], smoothed: 20 }])]);
    const [found] = toColumns(frame, [buildLine()]);
    expect([...(found?.main ?? [])]).toEqual([10, 20]);
    expect(found?.isSmoothed).toBe(true);
  });

  test('breaks at a bucket of nothing but NaN or inf, not at an empty one', () => {
    const found = buildColumns([1, null, Number.NaN, Infinity, 2]);
    expect([...found.breaks]).toEqual([0, 0, 1, 1, 0]);
    expect([...found.main]).toEqual([1, Number.NaN, Number.NaN, Number.NaN, 2]);
  });

  test('keeps a bucket whose last point is NaN while others are not', () => {
    const [found] = toColumns(buildFrame([buildSeries([{ values: [3, 7, Number.NaN] }])]), [buildLine()]);
    expect(found?.main[0]).toBe(3);
    expect(found?.breaks[0]).toBe(0);
  });

  test('breaks before a point behind a gap when asked, and bridges otherwise', () => {
    const values = [1, 2, 3, null, null, null, null, 4, 5];
    const series = buildSeries(values.map((value) => ({ values: value === null ? [] : [value] })));
    const breaksOf = (hasGaps: boolean) => [...(toColumns(buildFrame([series]), [buildLine()], hasGaps)[0]?.breaks ?? [])];
    expect(breaksOf(true)).toEqual([0, 0, 0, 0, 0, 0, 0, 1, 0]);
    expect(breaksOf(false).includes(1)).toBe(false);
  });

  test('sees no gap in what is logged rarely, but evenly', () => {
    const series = buildSeries(Array.from({ length: 31 }, (_, index) => ({ values: index % 10 === 0 ? [index] : [] })));
    const [found] = toColumns(buildFrame([series]), [buildLine()], true);
    expect(found?.breaks.includes(1)).toBe(false);
  });

  test('shows microseconds as seconds on axes of time', () => {
    const frame = { ...buildFrame([], [2_000_000]), axis: 'relative' as const };
    expect([...toAxisUnits(frame)]).toEqual([2]);
    expect([...toAxisUnits({ ...frame, axis: 'step' })]).toEqual([2_000_000]);
  });
});

test('points that no line reaches are known', () => {
  expect(buildColumns([1, Number.NaN, 2, null, 3, Infinity, null, 4]).lone).toEqual([0, 7]);
  expect(buildColumns([null, 5, null]).lone).toEqual([1]);
  expect(buildColumns([1, null, 2]).lone).toEqual([]);
});

describe('readAt', () => {
  const line = buildColumns([null, 5, null, 7, null]);

  test('reads the last point at or before the cursor', () => {
    expect(readAt(line, xs(5), 2)).toMatchObject({ kind: 'value', value: 5 });
    expect(readAt(line, xs(5), 3)).toMatchObject({ kind: 'value', value: 7, raw: 7, index: 3 });
  });

  test('says nothing before the line begins', () => {
    expect(readAt(line, xs(5), 0).kind).toBe('none');
    expect(readAt(buildColumns([]), xs(0), 1).kind).toBe('none');
  });

  test('says that a line has ended, or is not there yet while it runs', () => {
    expect(readAt(line, xs(5), 4).kind).toBe('ended');
    expect(readAt(buildColumns([1, null], { isLive: true }), xs(2), 1).kind).toBe('not yet');
  });

  test('reads what was logged wherever something was', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.integer(), { nil: null }), { minLength: 1, maxLength: 30 }), (values) => {
        const found = buildColumns(values);
        for (const [index, value] of values.entries()) {
          if (value !== null) expect(readAt(found, xs(values.length), index)).toMatchObject({ kind: 'value', value });
        }
      }),
    );
  });
});

describe('lineAt', () => {
  test('is on the straight line between two points, however many buckets are empty between them', () => {
    const line = buildColumns([0, null, null, null, 8]);
    expect([0, 1, 2, 4].map((x) => lineAt(line, xs(5), x))).toEqual([0, 2, 4, 8]);
  });

  test('is nowhere before the first and after the last point', () => {
    const line = buildColumns([null, 1, null]);
    expect(lineAt(line, xs(3), 0)).toBeNaN();
    expect(lineAt(line, xs(3), 2)).toBeNaN();
  });
});

test('readings are read from the best down, those that are none last', () => {
  const value = (one: number) => ({ kind: 'value', value: one, raw: one, index: 0 }) as const;
  const all = [value(1), { kind: 'ended' } as const, value(3), value(2)];
  const order = (direction: 'max' | 'min' | null) => [...all].sort((a, b) => compareReadings(a, b, direction)).map((one) => (one.kind === 'value' ? one.value : one.kind));
  expect(order('max')).toEqual([3, 2, 1, 'ended']);
  expect(order('min')).toEqual([1, 2, 3, 'ended']);
  expect(order(null)).toEqual([3, 2, 1, 'ended']);
});

test('odd points are counted, and on a log axis what it cannot show', () => {
  const lines = [buildColumns([1, Number.NaN, Infinity, -Infinity, -2, 0])];
  expect(countOdd(lines, 'linear')).toEqual({ nan: 1, inf: 2, notPositive: 0 });
  expect(countOdd(lines, 'log').notPositive).toBe(2);
});

describe('yExtent', () => {
  test('holds every spike, also one that smoothing hides', () => {
    const series = buildSeries([{ values: [1, 90, 1], smoothed: 2 }, { values: [1], smoothed: 2 }]);
    const lines = toColumns(buildFrame([series]), [buildLine()]);
    expect(yExtent(lines, xs(2), plainView, 0, 1)).toEqual({ low: 1, high: 90, isClipped: false });
  });

  test('is that of the smoothed line where nothing else is drawn', () => {
    const lines = toColumns(buildFrame([buildSeries([{ values: [1, 90], smoothed: 2 }])]), [buildLine()]);
    expect(yExtent(lines, xs(1), { ...plainView, hasBand: false, hasRaw: false }, 0, 0)).toMatchObject({ low: 2, high: 2 });
  });

  test('looks at what is zoomed to, and at positive values alone on a log axis', () => {
    const lines = [buildColumns([-5, 1, 2, 100])];
    expect(yExtent(lines, xs(4), plainView, 1, 2)).toMatchObject({ low: 1, high: 2 });
    expect(yExtent(lines, xs(4), { ...plainView, scale: 'log' }, 0, 3)).toMatchObject({ low: 1, high: 100 });
  });

  test('clips to percentiles only when asked, and says that it did', () => {
    const lines = [buildColumns([...Array.from({ length: 400 }, (_, index) => index / 400), 1e6])];
    expect(yExtent(lines, xs(401), plainView, 0, 400)?.high).toBe(1e6);
    const clipped = yExtent(lines, xs(401), { ...plainView, isClipped: true }, 0, 400);
    expect(clipped?.isClipped).toBe(true);
    expect(clipped?.high).toBeLessThan(2);
  });

  test('is none where nothing can be drawn', () => {
    expect(yExtent([buildColumns([Number.NaN, null])], xs(2), plainView, 0, 1)).toBeNull();
  });
});

describe('a line that comes from outside of what was read, and goes on there', () => {
  const outside = (values: readonly number[], x: readonly number[], ends: { before?: number; after?: number }) => {
    const at = (end: number | undefined, where: number) => (end === undefined ? null : { x: where, value: end, smoothed: null });
    const series = { ...buildSeries(values.map((value) => ({ values: [value] }))), before: at(ends.before, 0), after: at(ends.after, 100) };
    const [columns] = toColumns(buildFrame([series], x), [buildLine()]);
    if (columns === undefined) throw new Error('a line without its series');
    return { columns, xs: Float64Array.from(x) };
  };

  test('crosses a window without points, and reads there what was logged before it', () => {
    const { columns, xs } = outside([], [], { before: 10, after: 20 });
    expect(isCrossing(columns)).toBe(true);
    expect(lineAt(columns, xs, 50)).toBe(15);
    expect(readAt(columns, xs, 50)).toMatchObject({ kind: 'value', value: 10, raw: 10 });
    expect(yExtent([columns], xs, plainView, 40, 60)).toMatchObject({ low: 14, high: 16 });
  });

  test('is looked at where it is drawn on a log axis', () => {
    const { columns, xs } = outside([], [], { before: 1, after: 10_000 });
    expect(lineAt(columns, xs, 50, 'log')).toBeCloseTo(100);
    const extent = yExtent([columns], xs, { ...plainView, scale: 'log' }, 25, 75);
    expect([extent?.low, extent?.high].map((value) => Math.round(value ?? 0))).toEqual([10, 1000]);
  });

  test('gives its range a share of the ends only as far as they are in sight', () => {
    const { columns, xs } = outside([5], [50], { before: 105, after: 5 });
    expect(yExtent([columns], xs, plainView, 40, 60)).toMatchObject({ low: 5, high: 25 });
    expect(yExtent([columns], xs, { ...plainView, scale: 'symlog' }, 40, 60)).toMatchObject({ low: 5, high: 105 });
  });

  test('does not cross a window that it ended before, or begins behind', () => {
    const ended = outside([], [], { before: 10 });
    expect([isCrossing(ended.columns), readAt(ended.columns, ended.xs, 50).kind, lineAt(ended.columns, ended.xs, 50)]).toEqual([false, 'ended', Number.NaN]);
    const later = outside([], [], { after: 10 });
    expect([isCrossing(later.columns), readAt(later.columns, later.xs, 50).kind]).toEqual([false, 'none']);
  });

  test('makes one point within it no dot, as the line goes through it', () => {
    expect(outside([5], [50], { before: 1 }).columns.lone).toEqual([]);
    expect(outside([5], [50], { after: 1 }).columns.lone).toEqual([]);
    expect(outside([5], [50], {}).columns.lone).toEqual([0]);
    expect(outside([Number.NaN, 5, Number.NaN], [40, 50, 60], { before: 1, after: 1 }).columns.lone).toEqual([1]);
  });

  test('counts its way in seconds where the axis is time', () => {
    const series = { ...buildSeries([]), before: { x: 2e6, value: 1, smoothed: 3 }, after: null };
    const [columns] = toColumns({ ...buildFrame([series], []), axis: 'relative' }, [buildLine()]);
    expect(columns?.entry).toEqual({ x: 2, main: 3, raw: 1 });
  });
});
