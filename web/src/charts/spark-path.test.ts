import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sparkEnd, sparkPath, stairEnd, stairPath } from './spark-path';

const box = { width: 100, height: 20, inset: 2 };
const coordinates = (path: string): number[] => (path.match(/-?\d+(\.\d+)?/g) ?? []).map(Number);

describe('sparkPath', () => {
  test('draws the least value at the bottom and the greatest at the top', () => {
    expect(sparkPath([0, 1], box)).toBe('M2 18h0L98 2');
  });

  test('breaks at what is not finite and goes on behind it', () => {
    expect(sparkPath([0, Number.NaN, 1, null, 0], box)).toBe('M2 18h0M50 2h0M98 18h0');
  });

  test('draws equal values in the middle', () => {
    expect(sparkPath([3, 3, 3], box)).toBe('M2 10h0L50 10L98 10');
  });

  test('has no path for no values', () => {
    expect(sparkPath([], box)).toBe('');
    expect(sparkPath([null, Infinity], box)).toBe('');
    expect(sparkEnd([null], box)).toBeNull();
  });

  test('puts a single value at the right, where a run stands now', () => {
    expect(sparkEnd([5], box)).toEqual({ x: 98, y: 10 });
  });

  test('of the least numbers there are is level', () => {
    expect(sparkPath([0, 5e-324], box)).toBe(sparkPath([1, 1], box));
  });

  test('stays within its box whatever the values', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.double(), fc.constant(null)), { maxLength: 40 }), (values) => {
        const path = sparkPath(values, box).replaceAll('h0', '');
        for (const [index, value] of coordinates(path).entries()) {
          expect(value).toBeGreaterThanOrEqual(2);
          expect(value).toBeLessThanOrEqual(index % 2 === 0 ? 98 : 18);
        }
      }),
    );
  });

  test('ends where the last finite value stands', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 2, maxLength: 20 }), (values) => {
        const end = sparkEnd([...values, null], box);
        const path = coordinates(sparkPath([...values, null], box).replaceAll('h0', ''));
        expect(path.slice(-2)).toEqual([end?.x, end?.y]);
      }),
    );
  });
});

describe('stairPath', () => {
  test('is level until a run beats the best, then steps', () => {
    const steps = [
      [0, 1],
      [2, 3],
    ] as const;
    expect(stairPath(steps, 5, box)).toBe('M2 18H50V2H98');
    expect(stairEnd(steps, 5, box)).toEqual({ x: 98, y: 2 });
  });

  test('draws one best value as a level line', () => {
    expect(stairPath([[0, 7]], 3, box)).toBe('M2 10H98');
  });

  test('has nothing to draw without a best value', () => {
    expect(stairPath([], 3, box)).toBe('');
    expect(stairEnd([[0, Number.NaN]], 1, box)).toBeNull();
  });
});
