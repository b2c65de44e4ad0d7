import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatAgo, formatDuration, formatMoment } from './times';

const now = Date.UTC(2026, 10, 24, 10) * 1000;
const ago = (seconds: number) => formatAgo(now - seconds * 1e6, now);

test('the past is said in its largest unit, and as a date after two weeks', () => {
  expect([ago(3), ago(60), ago(3540), ago(7200), ago(3 * 86_400), ago(20 * 86_400)]).toEqual(['just now', '1 min ago', '59 min ago', '2 h ago', '3 d ago', '4 Nov 2026']);
});

test('a clock that runs ahead is no reason for odd words', () => {
  expect(ago(-120)).toBe('just now');
});

describe('formatDuration', () => {
  test.each([[0.146, '146 ms'], [0, '0 ms'], [9.96, '10.0 s'], [42.4, '42 s'], [60, '1 min'], [134, '2 min 14 s'], [8040, '2 h 14 min'], [200_000, '2 d 7 h'], [NaN, '–'], [-1, '–']])('%d seconds are %s', (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text);
  });

  test('has at most two units', () => {
    fc.assert(fc.property(fc.double({ min: 0, max: 1e8, noNaN: true }), (seconds) => {
      expect(formatDuration(seconds).split(' ').length).toBeLessThanOrEqual(4);
    }));
  });
});

test('a moment is said to the second', () => {
  expect(formatMoment(now)).toMatch(/^2026-11-2[345] \d\d:00:00$/);
});
