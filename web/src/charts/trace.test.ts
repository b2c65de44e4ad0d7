import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { buildColumns, buildFrame, buildLine, buildSeries } from './fixtures';
import { toColumns } from './lines';
import type { Places } from './places';
import { hasRawUnder, placeMarks, SvgPen, traceBand, traceBandColumns, traceLine, traceMain, traceRaw, type Pen } from './trace';

class Notes implements Pen {
  readonly strokes: [number, number][][] = [];
  moveTo(x: number, y: number): void {
    this.strokes.push([[x, y]]);
  }
  lineTo(x: number, y: number): void {
    this.strokes.at(-1)?.push([x, y]);
  }
}

const places = (more: Partial<Places> = {}): Places => ({ x: (value) => value, px: Float64Array.from({ length: 50 }, (_, index) => index), y: (value) => value, from: 0, to: 50, ...more });
const plain = places();

function strokesOf(trace: typeof traceMain, values: readonly (number | null)[], where = plain): [number, number][][] {
  const notes = new Notes();
  trace(notes, buildColumns(values), where);
  return notes.strokes;
}

test('of several ranks a line goes through its own values and the band shows the ranks; of one through every extreme', () => {
  const one = { ...buildSeries([{ values: [1, 9, 5] }, { values: [2, 8, 4] }]) };
  const [single] = toColumns(buildFrame([one]), [buildLine()]);
  const [joined] = toColumns(buildFrame([{ ...one, isReduced: true }]), [buildLine()]);
  if (single === undefined || joined === undefined) throw new Error('a line without its series');
  const drawn = [single, joined].map((columns) => {
    const notes = new Notes();
    traceLine(notes, columns, plain);
    return notes.strokes.flat().map(([, y]) => y);
  });
  expect(drawn).toEqual([[1, 9, 8, 2], [5, 4]]);
  expect(hasRawUnder({ ...joined, isSmoothed: true })).toBe(false);
});

describe('a line from and to points outside of what was read', () => {
  const ended = (values: readonly number[], where = plain, trace = traceMain): [number, number][][] => {
    const ends = { before: { x: -4, value: 7, smoothed: null }, after: { x: 90, value: 8, smoothed: null } };
    const [columns] = toColumns(buildFrame([{ ...buildSeries(values.map((value) => ({ values: [value] }))), ...ends }]), [buildLine()]);
    const notes = new Notes();
    if (columns !== undefined) trace(notes, columns, where);
    return notes.strokes;
  };

  test.each([traceMain, traceRaw])('is drawn through them, also where nothing lies between', (trace) => {
    expect(ended([], places({ px: new Float64Array(0), to: 0 }), trace)).toEqual([[[-4, 7], [90, 8]]]);
    expect(ended([1, 2], places({ to: 2 }), trace)).toEqual([[[-4, 7], [0, 1], [1, 2], [90, 8]]]);
  });

  test('breaks at a NaN in between, and leaves out ends that another point is nearer than', () => {
    const [entering, leaving] = ended([1, Number.NaN, 2], places({ to: 3 }));
    expect([entering, leaving]).toEqual([[[-4, 7], [0, 1]], [[2, 2], [90, 8]]]);
    expect(ended([1, 2, 3, 4, 5], places({ from: 2, to: 3 }))).toEqual([[[1, 2], [2, 3], [3, 4]]]);
    expect(ended([Number.NaN, 2, Number.NaN], places({ from: 1, to: 2 }))).toEqual([[[1, 2], [1, 2]]]);
  });
});

describe('traceMain', () => {
  test('bridges empty buckets and breaks at NaN', () => {
    expect(strokesOf(traceMain, [1, null, 3, Number.NaN, 5, 6])).toEqual([
      [
        [0, 1],
        [2, 3],
      ],
      [
        [4, 5],
        [5, 6],
      ],
    ]);
  });

  test('draws a point between two breaks as a line of no length', () => {
    expect(strokesOf(traceMain, [Number.NaN, 4, Number.NaN])).toEqual([
      [
        [1, 4],
        [1, 4],
      ],
    ]);
  });

  test('breaks where a value stands nowhere, as 0 on a log axis', () => {
    const log = places({ y: (value) => (value > 0 ? Math.log10(value) : Number.NaN) });
    expect(strokesOf(traceMain, [1, 0, 10, 100], log)).toHaveLength(2);
  });

  test('goes through every finite value once, in order', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.integer(), fc.constant(null), fc.constant(Number.NaN)), { maxLength: 40 }), (values) => {
        const strokes = strokesOf(traceMain, values);
        const points = strokes.flatMap((stroke) => (stroke.length === 2 && stroke[0]?.[0] === stroke[1]?.[0] ? stroke.slice(0, 1) : stroke));
        const wanted = values.flatMap((value, index) => (value === null || Number.isNaN(value) ? [] : [[index, value]]));
        expect(points).toEqual(wanted);
      }),
    );
  });
});

describe('what is in sight', () => {
  test('is traced with the next point on each side, however far that is', () => {
    const values = [1, 2, null, null, 5, 6, null, null, 9, 10];
    expect(strokesOf(traceMain, values, places({ from: 3, to: 7 }))).toEqual([
      [
        [1, 2],
        [4, 5],
        [5, 6],
        [8, 9],
      ],
    ]);
  });

  test('may hold no point, and is crossed all the same', () => {
    expect(strokesOf(traceMain, [1, null, null, 4], places({ from: 1, to: 3 }))).toEqual([
      [
        [0, 1],
        [3, 4],
      ],
    ]);
    expect(strokesOf(traceMain, [1, 2, null, null], places({ from: 2, to: 4 }))).toEqual([
      [
        [1, 2],
        [1, 2],
      ],
    ]);
  });
});

describe('traceBandColumns', () => {
  const strokes = (values: readonly (readonly number[])[], px: readonly number[], width: number) => {
    const [columns] = toColumns(buildFrame([buildSeries(values.map((one) => ({ values: one })))]), [buildLine()]);
    const notes = new Notes();
    if (columns !== undefined) traceBandColumns(notes, columns, places({ px: Float64Array.from(px), y: (value) => -value, to: px.length }), { left: 10, width });
    return notes.strokes.map(([[x, top] = [0, 0], [, bottom] = [0, 0]]) => [x, top, bottom]);
  };

  test('is one upright stroke a pixel column, between two buckets on the straight line', () => {
    expect(strokes([[0, 2], [4, 10]], [10.5, 14.5], 6)).toEqual([
      [10.5, -2, -0],
      [11.5, -4, -1],
      [12.5, -6, -2],
      [13.5, -8, -3],
      [14.5, -10, -4],
    ]);
  });

  test('keeps the extremes of all buckets in a column, and is parted where the line is', () => {
    expect(strokes([[0, 1], [-5, 9], [0, 2], [Number.NaN], [3, 4]], [10.1, 10.4, 10.8, 11.5, 13.5], 6)).toEqual([
      [10.5, -9, 5],
      [13.5, -4, -3],
    ]);
  });
});

describe('traceRaw', () => {
  test('reaches a spike one point wide inside a bucket', () => {
    const series = buildSeries([{ values: [1] }, { values: [1, 99, -99, 2] }, { values: [1] }]);
    const [columns] = toColumns(buildFrame([series]), [buildLine()]);
    const notes = new Notes();
    if (columns !== undefined) traceRaw(notes, columns, plain);
    const heights = notes.strokes.flat().map(([, y]) => y);
    expect(Math.max(...heights)).toBe(99);
    expect(Math.min(...heights)).toBe(-99);
  });

  test('reaches the least and the greatest of any bucket', () => {
    const bucket = fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(fc.array(bucket, { minLength: 1, maxLength: 20 }), (buckets) => {
        const series = buildSeries(buckets.map((values) => ({ values })));
        const [columns] = toColumns(buildFrame([series]), [buildLine()]);
        const notes = new Notes();
        if (columns !== undefined) traceRaw(notes, columns, plain);
        for (const [index, values] of buckets.entries()) {
          const heights = notes.strokes.flat().flatMap(([x, y]) => (x === index ? [y] : []));
          expect(Math.max(...heights)).toBe(Math.max(...values));
          expect(Math.min(...heights)).toBe(Math.min(...values));
        }
      }),
    );
  });
});

describe('traceBand', () => {
  test('closes a shape around what lies between least and greatest', () => {
    const series = buildSeries([{ values: [1, 3] }, { values: [2, 4] }]);
    const [columns] = toColumns(buildFrame([series]), [buildLine()]);
    const notes = new Notes();
    if (columns !== undefined) traceBand(notes, columns, plain);
    expect(notes.strokes).toEqual([
      [
        [0, 3],
        [0, 3],
        [1, 4],
        [1, 2],
        [0, 1],
        [0, 3],
      ],
    ]);
  });

  test('is parted where the line is', () => {
    expect(strokesOf(traceBand, [1, 2, Number.NaN, 3, 4])).toHaveLength(2);
  });

  test('begins anew with the point behind a gap', () => {
    const series = buildSeries([[1, 2], [1, 2], [1, 2], [], [], [], [], [1, 2], [3, 4]].map((values) => ({ values })));
    const [columns] = toColumns(buildFrame([series]), [buildLine()], true);
    const notes = new Notes();
    if (columns !== undefined) traceBand(notes, columns, plain);
    expect(notes.strokes.map((stroke) => stroke[0]?.[0])).toEqual([0, 7]);
  });

  test('has no shape for a single point', () => {
    expect(strokesOf(traceBand, [1])).toEqual([]);
  });
});

test('SvgPen writes a path that never needs an exponent', () => {
  const pen = new SvgPen();
  pen.moveTo(0, 1e-9);
  pen.lineTo(10.126, 2);
  expect(pen.toString()).toBe('M0.00 0.00L10.13 2.00');
});

describe('placeMarks', () => {
  test('marks each kind of odd point where it was logged', () => {
    const marks = placeMarks([buildColumns([1, Number.NaN, Infinity, -Infinity])], places({ px: Float64Array.of(0, 10, 20, 30) }), 4);
    expect(marks).toEqual([
      { kind: 'nan', x: 10 },
      { kind: 'posInf', x: 20 },
      { kind: 'negInf', x: 30 },
    ]);
  });

  test('leaves marks out that would lie on one another, never all of them', () => {
    const line = buildColumns(Array.from({ length: 50 }, () => Number.NaN));
    const marks = placeMarks([line, line], plain, 5);
    expect(marks.map(({ x }) => x)).toEqual([0, 5, 10, 15, 20, 25, 30, 35, 40, 45]);
  });
});
