import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { columnDigits, formatAligned, formatBytes, formatCount, formatDelta, formatNumber, fromWire, groupDigits, toNumber, formatChosen } from './numbers';

const read = (text: string) => Number(text.replaceAll('−', '-').replaceAll(',', '').replace(/^\+(?=\d)/, ''));

describe('formatNumber', () => {
  test.each([
    [0, '0'], [1, '1'], [0.98666, '0.9867'], [55.3067, '55.31'], [0.0003, '3e-4'], [1e-5, '1e-5'], [0.01, '0.01000'], [0.99999, '1.000'], [9.99996, '10.00'], [12345, '12,345'],
    [1234.5, '1235'], [-0.5, '−0.5000'], [12_345_678, '1.23e7'], [NaN, 'NaN'], [Infinity, '+∞'], [-Infinity, '−∞'],
  ])('%d is %s', (value, text) => {
    expect(formatNumber(value)).toBe(text);
  });

  test('is off by less than its last digit', () => {
    fc.assert(fc.property(fc.double({ min: -1e12, max: 1e12, noNaN: true }), (value) => {
      expect(Math.abs(read(formatNumber(value)) - value)).toBeLessThanOrEqual(Math.abs(value) * 6e-3);
    }));
  });

  test('is as exact for small numbers as for others', () => {
    fc.assert(fc.property(fc.double({ min: 1e-3, max: 1, noNaN: true }), (value) => {
      expect(Math.abs(read(formatNumber(value)) - value)).toBeLessThanOrEqual(value * 5.1e-4);
    }));
  });

  test('stays short whatever the number', () => {
    fc.assert(fc.property(fc.double(), (value) => {
      expect(formatNumber(value).length).toBeLessThanOrEqual(12);
    }));
  });
});

describe('wire numbers', () => {
  test('NaN and infinity come back as numbers', () => {
    expect([fromWire('NaN'), fromWire('Infinity'), fromWire('-Infinity'), fromWire(2)]).toEqual([NaN, Infinity, -Infinity, 2]);
  });

  test('a text is no number, however it looks', () => {
    expect([toNumber('12'), toNumber(null), toNumber(true), toNumber('NaN')]).toEqual([null, null, null, NaN]);
  });
});

describe('a column of numbers', () => {
  test.each([
    [[79.1, 83.42], 2], [[0.12, 0.71], 4], [[0.12, 2.47], 3], [[0.5, 1], 4], [[600, 20_000], null], [[1e-5, 0.05], null], [[], null], [[NaN], null], [[3.4, 4567.8], 0],
  ])('of %j has %j digits', (values, digits) => {
    expect(columnDigits(values)).toBe(digits);
  });

  test('lines up: every number has as many digits after the point', () => {
    fc.assert(fc.property(fc.array(fc.double({ min: 0.001, max: 9999, noNaN: true }), { minLength: 1 }), (values) => {
      const digits = columnDigits(values);
      const places = values.map((value) => formatAligned(value, digits).split('.')[1]?.length ?? 0);
      if (digits !== null) expect(new Set(places).size).toBe(1);
    }));
  });

  test('marks what is no number even where digits are given', () => {
    expect(formatAligned(NaN, 2)).toBe('NaN');
    expect(formatAligned(-1.005, 1)).toBe('−1.0');
  });
});

test('a difference always has its sign', () => {
  expect([formatDelta(3.594), formatDelta(-0.1086), formatDelta(0), formatDelta(Infinity)]).toEqual(['+3.59', '−0.109', '0', '+∞']);
});

test('long whole numbers are grouped from five digits on, counts from four', () => {
  expect([groupDigits(2048), groupDigits(100_412), formatCount(1804)]).toEqual(['2048', '100,412', '1,804']);
});

describe('sizes', () => {
  test.each([
    [0, '0 B'], [999, '999 B'], [1000, '1 kB'], [1500, '1.5 kB'], [10_000, '10 kB'], [999_999, '1 MB'], [2_345_678, '2.35 MB'],
    [120_000_000, '120 MB'], [300_000_000, '300 MB'], [999_700_000, '1 GB'], [20e9, '20 GB'], [5e12, '5 TB'],
  ])('%d is %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  test('are off by less than their last digit', () => {
    const units: Record<string, number> = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 };
    fc.assert(fc.property(fc.integer({ min: 0, max: 900e12 }), (bytes) => {
      const [size = '', unit = ''] = formatBytes(bytes).split(' ');
      expect(Math.abs(Number(size) * (units[unit] ?? NaN) - bytes)).toBeLessThanOrEqual(bytes * 5.1e-3);
    }));
  });
});

test('what somebody chose has no zeros after its digits', () => {
  expect([0.001, 0.01, 3e-4, 0.25, 64, 100_000, 1.5, NaN, -0.5].map(formatChosen)).toEqual(['0.001', '0.01', '3e-4', '0.25', '64', '100,000', '1.5', 'NaN', '\u22120.5']);
});
