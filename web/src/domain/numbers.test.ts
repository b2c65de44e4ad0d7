import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatBytes, formatCount, formatDelta, formatExact, formatStep, formatTick, formatValue } from './numbers';
import { linearTicks, niceStep } from './ticks';

const toNumber = (text: string): number => Number(text.replaceAll('−', '-').replaceAll(',', ''));

describe('formatValue', () => {
  test.each([
    [83.42, '83.42'],
    [0.7124, '0.7124'],
    [0.71241, '0.7124'],
    [1234.5, '1235'],
    [12, '12'],
    [-0.5, '−0.5000'],
    [3e-5, '3e-5'],
    [3.456e-7, '3.46e-7'],
    [12_345_678, '1.23e7'],
    [0, '0'],
    [-0, '0'],
    [1804, '1,804'],
    [Number.NaN, 'NaN'],
    [Infinity, '∞'],
    [-Infinity, '−∞'],
  ])('%d is written %s', (value, text) => {
    expect(formatValue(value)).toBe(text);
  });

  test('is off by less than its last digit', () => {
    fc.assert(
      fc.property(fc.double({ min: -1e9, max: 1e9, noNaN: true }), (value) => {
        expect(Math.abs(toNumber(formatValue(value)) - value)).toBeLessThanOrEqual(Math.abs(value) * 0.006);
      }),
    );
  });

  test('stays short whatever the number', () => {
    fc.assert(fc.property(fc.double(), (value) => expect(formatValue(value).length).toBeLessThanOrEqual(10)));
  });
});

describe('formatExact', () => {
  test('keeps every digit', () => {
    fc.assert(fc.property(fc.double(), (value) => expect(Number(formatExact(value))).toEqual(value + 0)));
  });

  test('writes an exponent as people do', () => {
    expect(formatExact(3e-7)).toBe('3e-7');
    expect(formatExact(1e21)).toBe('1e21');
    expect([formatExact(Infinity), formatExact(-Infinity), formatExact(Number.NaN)]).toEqual(['Infinity', '-Infinity', 'NaN']);
  });
});

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
  ])('%d in steps of %d is %s', (value, step, text) => {
    expect(formatTick(value, step)).toBe(text);
  });

  test('tells every tick of an axis from the others', () => {
    fc.assert(
      fc.property(
        fc.double({ min: -1e9, max: 1e9, noNaN: true }),
        fc.double({ min: 1e-6, max: 1e9, noNaN: true }).filter((span) => span > 0),
        (low, span) => {
          fc.pre(span > Math.abs(low) * 1e-4);
          const ticks = linearTicks(low, low + span, 6);
          const texts = ticks.map((tick) => formatTick(tick, niceStep(span, 6)));
          expect(new Set(texts).size).toBe(ticks.length);
        },
      ),
    );
  });
});

describe('counts, steps, sizes and differences', () => {
  test('a count has groups', () => {
    expect([formatCount(1804), formatCount(-12), formatCount(100_412)]).toEqual(['1,804', '−12', '100,412']);
  });

  test('a step is short', () => {
    expect([formatStep(412), formatStep(9999), formatStep(61_200), formatStep(1_234_567)]).toEqual([
      '412',
      '9,999',
      '61.2k',
      '1.235M',
    ]);
  });

  test.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [1_500_000, '1.4 MiB'],
    [1023.9 * 1024, '1.0 MiB'],
    [5 * 1024 ** 4, '5.0 TiB'],
    [-2048, '−2.0 KiB'],
    [Number.NaN, 'NaN'],
  ])('%d bytes are %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  test('a difference has its sign', () => {
    expect([formatDelta(0.32), formatDelta(-0.32), formatDelta(0)]).toEqual(['+0.320', '−0.320', '0']);
  });
});
