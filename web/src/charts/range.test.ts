import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { describeX, padRange, symlogThreshold, widenRange, xTicks, yTicks } from './range';

const scales = ['linear', 'log', 'symlog'] as const;

describe('padRange', () => {
  test('leaves some air above and below', () => {
    expect(padRange(0, 100, 'linear')).toEqual([-6, 106]);
  });

  test('gives one value room about it', () => {
    for (const scale of scales) {
      const [low, high] = padRange(5, 5, scale);
      expect(low).toBeLessThan(5);
      expect(high).toBeGreaterThan(5);
    }
    expect(padRange(0, 0, 'linear')).toEqual([-1, 1]);
  });

  test('takes what differs by rounding for one value, and no more than that', () => {
    const [low, high] = padRange(0.3, 0.1 + 0.2, 'linear');
    expect([low, high].map((end) => end.toFixed(2))).toEqual(['0.27', '0.33']);
    expect(padRange(1, 1 + 1e-9, 'linear')[1]).toBeLessThan(1 + 1e-8);
  });

  test('is something even where there are no data', () => {
    expect(padRange(Number.NaN, Number.NaN, 'linear')).toEqual([0, 1]);
    expect(padRange(Number.NaN, Number.NaN, 'log')).toEqual([0.1, 1]);
  });

  test('holds its data, and stays positive on a log axis', () => {
    const value = fc.double({ min: 1e-6, max: 1e9, noNaN: true });
    fc.assert(
      fc.property(fc.constantFrom(...scales), value, value, (scale, a, b) => {
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        const [low, high] = padRange(from, to, scale);
        expect(low).toBeLessThanOrEqual(from);
        expect(high).toBeGreaterThanOrEqual(to);
        if (scale === 'log') expect(low).toBeGreaterThan(0);
      }),
    );
  });
});

describe('widenRange', () => {
  test('reaches the round number just beyond, as x are middles of buckets', () => {
    expect(widenRange(13, 19_987)).toEqual([0, 20_000]);
  });

  test('does not reach one that is far', () => {
    expect(widenRange(3000, 17_000)).toEqual([3000, 17_000]);
  });

  test('gives one x room about it', () => {
    expect(widenRange(7, 7)).toEqual([6.5, 7.5]);
  });
});

describe('yTicks', () => {
  test('are more than one, as one says nothing of a scale', () => {
    fc.assert(
      fc.property(fc.double({ min: -1e3, max: 1e3, noNaN: true }), fc.double({ min: 0.5, max: 1e3, noNaN: true }), (low, span) => {
        expect(yTicks([low, low + span], 'linear', 2).ticks.length).toBeGreaterThanOrEqual(2);
      }),
    );
  });

  test('have words that differ', () => {
    expect(yTicks([0.4, 6], 'log', 4).words).toEqual(['0.5', '1', '2', '5']);
    expect(yTicks([67.8, 84.1], 'linear', 3).words).toEqual(['70', '75', '80']);
    expect(yTicks([-1000, 1000], 'symlog', 6).words).toContain('0');
  });
});

describe('xTicks', () => {
  test('are whole steps, durations, or times of day', () => {
    expect(xTicks([0, 100_000], 'step', 5).words).toEqual(['0', '20k', '40k', '60k', '80k', '100k']);
    expect(xTicks([0, 0.5], 'metric', 5).words).toEqual(['0', '0.1', '0.2', '0.3', '0.4', '0.5']);
    expect(xTicks([0, 7200], 'relative', 4).words).toEqual(['0', '30m', '1h', '1h 30m', '2h']);
    const noon = new Date(2026, 0, 5, 12).getTime() / 1000;
    expect(xTicks([noon, noon + 7200], 'time', 4).words).toEqual(['12:00', '12:30', '13:00', '13:30', '14:00']);
  });
});

test('x is said as its axis counts', () => {
  expect(describeX(61_200, 'step')).toBe('step 61.2k');
  expect([1234.5, 24_576_000].map((x) => describeX(x, 'metric', 'tokens'))).toEqual(['tokens 1235', 'tokens 24.58M']);
  expect(describeX(5400, 'relative')).toBe('1h 30m in');
  expect(describeX(new Date(2026, 10, 24, 14, 3, 9).getTime() / 1000, 'time')).toBe('24 Nov 14:03:09');
});

test('a symlog axis is linear within a thousandth of its greatest value', () => {
  expect(symlogThreshold(-50, 2000)).toBe(1);
  expect(symlogThreshold(0, 0)).toBe(1);
});
