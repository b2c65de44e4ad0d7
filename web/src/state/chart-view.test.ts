import fc from 'fast-check';
import { expect, test } from 'vitest';
import { clampSmoothing, nextSmoothing, parseAxis, parseZoom, printAxis, printZoom } from './chart-view.svelte';

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

test('a zoom is read back from the address as it was written, to what a hand can tell', () => {
  expect(parseZoom(printZoom([5000, 11_000]))).toEqual([5000, 11_000]);
  expect(parseZoom(printZoom([-1.5, 2]))).toEqual([-1.5, 2]);
  expect(printZoom(null)).toBe('');
  fc.assert(
    fc.property(fc.double({ min: -1e10, max: 1e10, noNaN: true }), fc.double({ min: 1, max: 1e9, noNaN: true }), (low, span) => {
      fc.pre(span > Math.abs(low) * 1e-5);
      const [from, to] = parseZoom(printZoom([low, low + span])) ?? [Number.NaN, Number.NaN];
      expect(Math.abs(from - low)).toBeLessThanOrEqual(span * 0.06);
      expect(Math.abs(to - low - span)).toBeLessThanOrEqual(span * 0.06);
    }),
  );
});

test('what is no zoom is none', () => {
  for (const value of ['', '5', '5~', '~5', 'a~b', '5~5', '9~1', '1~2~3', 'NaN~1', '1~Infinity']) expect(parseZoom(value)).toBeNull();
});

test('any metric can be x, whatever its name; what is no axis is the step', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), (name) => {
      expect(parseAxis(printAxis({ axis: 'metric', xMetric: name }))).toEqual({ axis: 'metric', xMetric: name });
    }),
  );
  expect(['step', 'time', 'metric:', 'nonsense', ''].map((value) => parseAxis(value).axis)).toEqual(['step', 'time', 'step', 'step', 'step']);
});
