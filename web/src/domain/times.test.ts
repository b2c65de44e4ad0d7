import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  formatAgo,
  formatDate,
  formatDateTime,
  formatDuration,
  formatDurationTick,
  formatWallTick,
  localOffsetS,
} from './times';

describe('formatDuration', () => {
  test.each([
    [0, '0 s'],
    [0.004, '4 ms'],
    [0.0005, '0.5 ms'],
    [0.12, '120 ms'],
    [0.9999, '1.0 s'],
    [4.2, '4.2 s'],
    [9.97, '10 s'],
    [59.6, '1 min'],
    [75, '1 min 15 s'],
    [3599.7, '1 h'],
    [11_520, '3 h 12 min'],
    [86_400, '1 d'],
    [86_399, '1 d'],
    [200_000, '2 d 8 h'],
    [-75, '−1 min 15 s'],
    [Number.NaN, '–'],
    [Infinity, '–'],
  ])('%d s are %s', (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text);
  });

  test('never writes sixty of a unit', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e8, noNaN: true }), (seconds) => {
        expect(formatDuration(seconds)).not.toMatch(/\b(60 (s|min)|24 h|1000 ms)\b/);
      }),
    );
  });
});

describe('formatDurationTick', () => {
  test.each([
    [0, '0'],
    [0.25, '250ms'],
    [30, '30s'],
    [90, '1m 30s'],
    [3600, '1h'],
    [5400, '1h 30m'],
    [108_000, '1d 6h'],
    [-60, '−1m'],
  ])('%d s is %s', (seconds, text) => {
    expect(formatDurationTick(seconds)).toBe(text);
  });
});

describe('formatAgo', () => {
  const now = Date.UTC(2026, 0, 20, 12) * 1000;

  test.each([
    [0, 'just now'],
    [44, 'just now'],
    [50, '1 min ago'],
    [240, '4 min ago'],
    [3 * 3600, '3 h ago'],
    [2 * 86_400, '2 d ago'],
  ])('%d s ago is %s', (seconds, text) => {
    expect(formatAgo(now - seconds * 1e6, now)).toBe(text);
  });

  test('is the date past two weeks, and of what is yet to come', () => {
    expect(formatAgo(now - 20 * 86_400 * 1e6, now)).toBe(formatDate(now - 20 * 86_400 * 1e6));
    expect(formatAgo(now + 3600 * 1e6, now)).toBe(formatDate(now + 3600 * 1e6));
    expect(formatAgo(Number.NaN, now)).toBe('–');
  });
});

describe('dates', () => {
  const at = new Date(2026, 10, 24, 14, 3, 9).getTime() * 1000;

  test('are local, with the month as a word', () => {
    expect(formatDate(at)).toBe('24 Nov 2026');
    expect(formatDateTime(at)).toBe('24 Nov 2026, 14:03:09');
  });

  test('that are none are a dash', () => {
    expect([formatDate(Number.NaN), formatDateTime(1e30)]).toEqual(['–', '–']);
  });

  test('as ticks are times of day, days at midnight', () => {
    const seconds = at / 1e6;
    expect(formatWallTick(seconds, 600)).toBe('14:03');
    expect(formatWallTick(seconds, 5)).toBe('14:03:09');
    expect(formatWallTick(seconds, 86_400)).toBe('24 Nov');
    expect(formatWallTick(new Date(2026, 10, 25).getTime() / 1000, 3600)).toBe('25 Nov');
    expect(formatWallTick(Number.NaN, 60)).toBe('');
  });

  test('know how far local time is from UTC', () => {
    expect(localOffsetS(at / 1e6)).toBe(-new Date(at / 1000).getTimezoneOffset() * 60);
    expect(localOffsetS(Number.NaN)).toBe(0);
  });
});
