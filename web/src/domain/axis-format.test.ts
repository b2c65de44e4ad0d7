import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  formatDurationTick,
  formatExact,
  formatReading,
  formatStep,
  formatTick,
  formatWallReadout,
  formatWallTick,
  localOffsetS,
} from './axis-format';
import { linearTicks, niceStep } from './ticks';

describe('formatTick', () => {
  test.each([
    [20_000, 20_000, '20k'],
    [2500, 500, '2.5k'],
    [0.5, 0.1, '0.5'],
    [5, 5, '5'],
    [1e-5, 9e-5, '1e-5'],
    [1_500_000, 500_000, '1.5M'],
    [-0.25, 0.05, '−0.25'],
    [0, 10, '0'],
    [900, 100, '900'],
    [0.75, 0.25, '0.75'],
    [2, 0, '2'],
  ])('%d in steps of %d is %s', (value, step, text) => {
    expect(formatTick(value, step)).toBe(text);
  });

  test('tells every tick of an axis from the others', () => {
    const span = fc.double({ min: 1e-6, max: 1e9, noNaN: true });
    fc.assert(
      fc.property(fc.double({ min: -1e9, max: 1e9, noNaN: true }), span, (low, width) => {
        fc.pre(width > Math.abs(low) * 1e-4);
        const ticks = linearTicks(low, low + width, 6);
        const texts = ticks.map((tick) => formatTick(tick, niceStep(width, 6)));
        expect(new Set(texts).size).toBe(ticks.length);
      }),
    );
  });
});

test('a step in a readout is short', () => {
  const texts = [412, 9999, 61_200, 1_234_567, -20_000].map(formatStep);
  expect(texts).toEqual(['412', '9999', '61.2k', '1.235M', '−20k']);
});

test('an exact number keeps every digit', () => {
  fc.assert(
    fc.property(fc.double(), (value) => {
      expect(Number(formatExact(value))).toBe(value + 0);
    }),
  );
});

describe('formatDurationTick', () => {
  test.each([
    [0, '0'],
    [0.25, '250ms'],
    [30, '30s'],
    [2.5, '2.5s'],
    [90, '1m 30s'],
    [3600, '1h'],
    [5400, '1h 30m'],
    [108_000, '1d 6h'],
    [-60, '−1m'],
  ])('%d s is %s', (seconds, text) => {
    expect(formatDurationTick(seconds)).toBe(text);
  });
});

describe('wall time', () => {
  const seconds = new Date(2026, 10, 24, 14, 3, 9).getTime() / 1000;

  test('is the time of day on ticks, the day at midnight and where steps are days', () => {
    expect(formatWallTick(seconds, 600)).toBe('14:03');
    expect(formatWallTick(seconds, 5)).toBe('14:03:09');
    expect(formatWallTick(seconds, 86_400)).toBe('24 Nov');
    expect(formatWallTick(new Date(2026, 10, 25).getTime() / 1000, 3600)).toBe('25 Nov');
  });

  test('has day and second in a readout', () => {
    expect(formatWallReadout(seconds)).toBe('24 Nov 14:03:09');
  });

  test('that is none is empty or a dash', () => {
    expect([formatWallTick(Number.NaN, 60), formatWallReadout(1e30), localOffsetS(Number.NaN)]).toEqual(['', '–', 0]);
  });

  test('knows how far local time is from UTC', () => {
    expect(localOffsetS(seconds)).toBe(-new Date(seconds * 1000).getTimezoneOffset() * 60);
  });
});

describe('readings', () => {
  test('large values are thousands and millions, exponents are short', () => {
    expect(formatReading(22_120_000)).toBe('22.12M');
    expect(formatReading(-1.5e9)).toBe('−1.5G');
    expect(formatReading(0.80923)).toBe('0.8092');
    expect(formatReading(0.00012345)).toBe('1.2e-4');
    expect(formatReading(NaN)).toBe('NaN');
  });
});
