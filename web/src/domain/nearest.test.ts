import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { firstAtOrAfter, interpolate, lastFilled, nearestIndex, nearestWithin, nextFilled, quantile } from './nearest';

const sorted = fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 1, maxLength: 50 }).map((xs) => xs.sort((a, b) => a - b));

describe('nearestIndex', () => {
  test('finds the x that is closest, the earlier of two that are as close', () => {
    expect(nearestIndex([0, 10, 20], 14)).toBe(1);
    expect(nearestIndex([0, 10, 20], 15)).toBe(1);
    expect(nearestIndex([0, 10, 20], 16)).toBe(2);
  });

  test('is -1 where there is nothing', () => {
    expect(nearestIndex([], 1)).toBe(-1);
  });

  test('no other x is closer', () => {
    fc.assert(
      fc.property(sorted, fc.integer({ min: -1200, max: 1200 }), (xs, target) => {
        const found = xs[nearestIndex(xs, target)] ?? Number.NaN;
        expect(Math.abs(found - target)).toBe(Math.min(...xs.map((x) => Math.abs(x - target))));
      }),
    );
  });

  test('parts what is below from what is not', () => {
    fc.assert(
      fc.property(sorted, fc.integer({ min: -1200, max: 1200 }), (xs, target) => {
        const cut = firstAtOrAfter(xs, target);
        expect(xs.slice(0, cut).every((x) => x < target)).toBe(true);
        expect(xs.slice(cut).every((x) => x >= target)).toBe(true);
      }),
    );
  });
});

describe('lastFilled and nextFilled', () => {
  test('carry over what is empty', () => {
    const filled = [false, true, false, false, true, false];
    expect([...lastFilled(6, (index) => filled[index] === true)]).toEqual([-1, 1, 1, 1, 4, 4]);
    expect([...nextFilled(6, (index) => filled[index] === true)]).toEqual([1, 1, 4, 4, 4, -1]);
  });

  test('point at themselves exactly where something is', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 40 }), (filled) => {
        const is = (index: number): boolean => filled[index] === true;
        const last = lastFilled(filled.length, is);
        const next = nextFilled(filled.length, is);
        for (const [index, isFilled] of filled.entries()) {
          expect(last[index] === index).toBe(isFilled);
          expect(next[index] === index).toBe(isFilled);
        }
      }),
    );
  });
});

test('interpolate runs straight through both points, and needs no width', () => {
  expect(interpolate(0, 0, 10, 20, 5)).toBe(10);
  expect(interpolate(3, 1, 3, 7, 3)).toBe(7);
});

describe('nearestWithin', () => {
  test('takes the least distance within the limit', () => {
    expect(nearestWithin([['a', 5], ['b', 2], ['c', 9]], 4)).toBe('b');
    expect(nearestWithin([['a', 5]], 4)).toBeNull();
    expect(nearestWithin([['a', Number.NaN]], 4)).toBeNull();
    expect(nearestWithin([], 4)).toBeNull();
  });
});

describe('quantile', () => {
  test('falls between values', () => {
    expect(quantile([1, 2, 3, 4], 0.5)).toBe(2.5);
    expect([quantile([1, 2], 0), quantile([1, 2], 1), quantile([1, 2], 7)]).toEqual([1, 2, 2]);
    expect(quantile([], 0.5)).toBeNaN();
  });

  test('lies between the least and the greatest', () => {
    fc.assert(
      fc.property(sorted, fc.double({ min: 0, max: 1, noNaN: true }), (xs, fraction) => {
        const found = quantile(xs, fraction);
        expect(found).toBeGreaterThanOrEqual(xs[0] ?? Number.NaN);
        expect(found).toBeLessThanOrEqual(xs.at(-1) ?? Number.NaN);
      }),
    );
  });
});
