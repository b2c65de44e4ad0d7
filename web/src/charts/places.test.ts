import { expect, test } from 'vitest';
import { placesIn } from './places';

const box = { left: 10, top: 5, width: 80, height: 40 };
const where = (scale: 'linear' | 'log' | 'symlog', yRange: readonly [number, number], xRange: readonly [number, number] = [0, 8]) => ({
  xs: Float64Array.from({ length: 9 }, (_, index) => index),
  xRange,
  yRange,
  view: { scale },
});

test('both ends of a range stand at both ends of the box', () => {
  const { px, y, from, to } = placesIn(where('linear', [-1, 3]), box);
  expect([px[0], px[8], y(-1), y(3), y(1)]).toEqual([10, 90, 45, 5, 25]);
  expect([from, to]).toEqual([0, 9]);
});

test('only what lies in the range is in sight', () => {
  const found = placesIn(where('linear', [0, 1], [2.5, 6]), box);
  expect([found.from, found.to]).toEqual([3, 7]);
  expect(found.px[6]).toBe(90);
});

test('a log axis has no place for zero and less, a symlog axis has one for every number', () => {
  const log = placesIn(where('log', [1, 100]), box);
  expect([log.y(1), log.y(10), log.y(100), log.y(0), log.y(-1)]).toEqual([45, 25, 5, Number.NaN, Number.NaN]);
  const symlog = placesIn(where('symlog', [-100, 100]), box);
  expect([symlog.y(-100), symlog.y(0), symlog.y(100)]).toEqual([45, 25, 5]);
});

test('times and spikes keep their place to a thousandth of a pixel', () => {
  const start = 1_790_000_000;
  const xs = Float64Array.of(start, start + 0.5, start + 1);
  const { px } = placesIn({ xs, xRange: [start, start + 1], yRange: [0, 1], view: { scale: 'linear' } }, box);
  expect(px[1]).toBeCloseTo(50, 3);
});
