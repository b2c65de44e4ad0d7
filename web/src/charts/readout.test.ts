import { describe, expect, test } from 'vitest';
import { buildColumns } from './fixtures';
import { cutReadout, describeReadout, toReadout } from './readout';

const xs = Float64Array.of(0, 1, 2);
const lines = [
  buildColumns([1, 2, 3], { run: 'a', name: 'low' }),
  buildColumns([4, 5, 6], { run: 'b', name: 'high' }),
  buildColumns([9, null, null], { run: 'c', name: 'young', isLive: true }),
];

describe('toReadout', () => {
  test('reads from the best down and says what is not there yet', () => {
    expect(toReadout(lines, xs, 1, 'max').map(({ line, text }) => `${line.name} ${text}`)).toEqual(['high 5', 'low 2', 'young not yet']);
    expect(toReadout(lines, xs, 1, 'min')[0]?.line.name).toBe('low');
  });

  test('has no raw value beside a line that is not smoothed', () => {
    expect(toReadout(lines, xs, 0, 'max')[0]?.raw).toBeNull();
  });
});

describe('cutReadout', () => {
  const rows = toReadout(lines, xs, 0, 'max');

  test('leaves short ones as they are', () => {
    expect(cutReadout(rows, null, 3)).toEqual({ rows, more: 0 });
  });

  test('keeps the line in focus among the few', () => {
    const found = cutReadout(rows, 'a', 2);
    expect(found.rows.map(({ line }) => line.run)).toEqual(['c', 'a']);
    expect(found.more).toBe(1);
  });
});

test('a sentence says step and values', () => {
  expect(describeReadout(lines, xs, 2, 'step 2', 'max')).toBe('step 2: high 6, low 3, young not yet');
});
