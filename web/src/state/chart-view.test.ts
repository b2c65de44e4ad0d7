import fc from 'fast-check';
import { expect, test } from 'vitest';
import { clampSmoothing, nextSmoothing } from './chart-view.svelte';

test('smoothing has two decimals, is at least 0 and below 1', () => {
  expect([clampSmoothing(-1), clampSmoothing(0.123), clampSmoothing(7), clampSmoothing(Number.NaN)]).toEqual([0, 0.12, 0.99, 0]);
});

test('a step is a tenth, and finer above 0.9, where it matters as much', () => {
  expect([nextSmoothing(0.6, 1), nextSmoothing(0.9, 1), nextSmoothing(0.93, -1), nextSmoothing(0.9, -1), nextSmoothing(0, -1)]).toEqual([
    0.7, 0.93, 0.9, 0.8, 0,
  ]);
});

test('steps up reach the top and steps down reach zero', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 0.99, noNaN: true }), fc.constantFrom(1 as const, -1 as const), (start, direction) => {
      let value = start;
      for (let step = 0; step < 30; step += 1) value = nextSmoothing(value, direction);
      expect(value).toBe(direction === 1 ? 0.99 : 0);
    }),
  );
});
