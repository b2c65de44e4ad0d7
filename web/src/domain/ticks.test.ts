import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  durationTicks,
  linearTicks,
  logTicks,
  niceStep,
  stepTicks,
  symlog,
  symlogInverse,
  symlogTicks,
  timeStep,
  wallTicks,
} from './ticks';

const range = fc
  .tuple(fc.double({ min: -1e12, max: 1e12, noNaN: true }), fc.double({ min: 1e-6, max: 1e12, noNaN: true }))
  .map(([low, span]) => [low, low + span] as const)
  .filter(([low, high]) => high - low > Math.abs(low) * 1e-9);

const isAscending = (ticks: readonly number[]): boolean => ticks.every((tick, at) => at === 0 || tick > (ticks[at - 1] ?? tick));

describe('niceStep', () => {
  test('is 1, 2 or 5 times a power of ten', () => {
    expect([niceStep(10, 5), niceStep(10, 4), niceStep(7, 5), niceStep(0.3, 3)]).toEqual([2, 5, 2, 0.1]);
  });

  test('is 0 where there is no span', () => {
    expect([niceStep(0, 5), niceStep(-1, 5), niceStep(Number.NaN, 5), niceStep(Infinity, 5)]).toEqual([0, 0, 0, 0]);
  });
});

describe('linearTicks', () => {
  test('are round numbers without the noise of multiplying', () => {
    expect(linearTicks(0, 0.5, 5)).toEqual([0, 0.1, 0.2, 0.3, 0.4, 0.5]);
    expect(linearTicks(67.8, 84.1, 4)).toEqual([70, 75, 80]);
    expect(linearTicks(-1, 1, 4)).toEqual([-1, -0.5, 0, 0.5, 1]);
  });

  test('one value has itself as its tick, none has none', () => {
    expect(linearTicks(3, 3, 5)).toEqual([3]);
    expect(linearTicks(Number.NaN, Number.NaN, 5)).toEqual([]);
  });

  test('lie within their range, ascend, and are about as many as asked for', () => {
    fc.assert(
      fc.property(range, fc.integer({ min: 2, max: 12 }), ([low, high], count) => {
        const ticks = linearTicks(low, high, count);
        const slack = (high - low) * 1e-6;
        expect(ticks.every((tick) => tick >= low - slack && tick <= high + slack)).toBe(true);
        expect(isAscending(ticks)).toBe(true);
        expect(ticks.length).toBeLessThanOrEqual(count + 1);
        expect(ticks.length).toBeGreaterThanOrEqual(Math.floor(count / 2.6));
      }),
    );
  });
});

describe('stepTicks', () => {
  test('never stand between two steps', () => {
    expect(stepTicks(0, 3, 10)).toEqual([0, 1, 2, 3]);
    expect(stepTicks(0, 100_000, 5)).toEqual([0, 20_000, 40_000, 60_000, 80_000, 100_000]);
    fc.assert(
      fc.property(fc.integer({ min: -1000, max: 1000 }), fc.integer({ min: 0, max: 5000 }), (low, span) => {
        expect(stepTicks(low, low + span, 8).every(Number.isInteger)).toBe(true);
      }),
    );
  });

  test('one step has its tick', () => {
    expect(stepTicks(7, 7, 5)).toEqual([7]);
  });
});

describe('logTicks', () => {
  test('are 1, 2 and 5 of each decade where there is room', () => {
    expect(logTicks(0.4, 6, 5)).toEqual([0.5, 1, 2, 5]);
  });

  test('are powers of ten where there is not', () => {
    expect(logTicks(1e-4, 1e2, 5)).toEqual([1e-4, 1e-2, 1, 100]);
  });

  test('are linear within a decade', () => {
    expect(logTicks(2, 3, 5)).toEqual([2, 2.2, 2.4, 2.6, 2.8, 3]);
  });

  test('are none where a log axis cannot be', () => {
    expect([logTicks(0, 1, 5), logTicks(-1, 1, 5), logTicks(Number.NaN, 1, 5)]).toEqual([[], [], []]);
    expect(logTicks(4, 4, 5)).toEqual([4]);
  });

  test('lie within their range and ascend', () => {
    fc.assert(
      fc.property(fc.double({ min: -200, max: 200, noNaN: true }), fc.double({ min: 0.1, max: 90, noNaN: true }), (power, span) => {
        const [low, high] = [10 ** power, 10 ** (power + span)];
        const ticks = logTicks(low, high, 6);
        expect(ticks.every((tick) => tick >= low * (1 - 1e-9) && tick <= high * (1 + 1e-9))).toBe(true);
        expect(isAscending(ticks)).toBe(true);
        expect(ticks.length).toBeLessThanOrEqual(12);
      }),
    );
  });
});

describe('symlog', () => {
  test('is odd and undone by its inverse', () => {
    fc.assert(
      fc.property(fc.double({ min: -1e9, max: 1e9, noNaN: true }), fc.double({ min: 1e-3, max: 10, noNaN: true }), (value, threshold) => {
        expect(symlog(-value, threshold)).toBeCloseTo(-symlog(value, threshold), 9);
        const back = symlogInverse(symlog(value, threshold), threshold);
        expect(Math.abs(back - value)).toBeLessThanOrEqual(Math.abs(value) * 1e-9 + 1e-12);
      }),
    );
  });

  test('has ticks on both sides of zero', () => {
    expect(symlogTicks(-100, 1000, 8, 1)).toEqual([-100, -10, -1, 0, 1, 10, 100, 1000]);
  });

  test('has linear ticks where all is within the threshold, none without a range', () => {
    expect(symlogTicks(-0.5, 0.5, 4, 1)).toEqual([-0.5, 0, 0.5]);
    expect(symlogTicks(1, 1, 4, 1)).toEqual([]);
    expect(symlogTicks(0, 1, 4, 0)).toEqual([]);
  });

  test('ticks lie within their range and ascend', () => {
    fc.assert(
      fc.property(range, ([low, high]) => {
        const ticks = symlogTicks(low, high, 6, 1);
        expect(isAscending(ticks)).toBe(true);
        expect(ticks.every((tick) => tick >= low - 1e-6 && tick <= high + Math.abs(high) * 1e-6)).toBe(true);
      }),
    );
  });
});

describe('ticks of time', () => {
  test('stand on the steps that clocks have', () => {
    expect(timeStep(3600, 6)).toBe(600);
    expect(timeStep(90_000, 5)).toBe(21_600);
    expect(timeStep(10 * 365 * 86_400, 5)).toBe(2 * 365 * 86_400);
    expect(timeStep(0, 5)).toBe(0);
    expect(durationTicks(0, 7200, 4)).toEqual([0, 1800, 3600, 5400, 7200]);
    expect(durationTicks(0, 0.4, 4)).toEqual([0, 0.1, 0.2, 0.3, 0.4]);
  });

  test('a moment has its own tick', () => {
    expect(durationTicks(5, 5, 4)).toEqual([5]);
  });

  test('stand on whole local hours, whatever the offset', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2_000_000_000 }), fc.integer({ min: -56, max: 56 }), (low, quarters) => {
        const offset = quarters * 900;
        const ticks = wallTicks(low, low + 6 * 3600, 6, offset);
        expect(ticks.length).toBeGreaterThan(3);
        expect(ticks.every((tick) => (tick + offset) % 3600 === 0)).toBe(true);
      }),
    );
  });
});
