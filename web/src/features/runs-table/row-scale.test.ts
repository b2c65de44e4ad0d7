import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { contentHeight, maxScrollPx, revealing, ringOf, rowsInView, toOffset, toScrollTop, type RowScale } from './row-scale';

const million: RowScale = { rows: 1_000_000, rowHeight: 32, extra: 32, viewport: 800 };
const scales = fc.record({ rows: fc.integer({ min: 1, max: 3_000_000 }), rowHeight: fc.constantFrom(26, 32, 40), extra: fc.integer({ min: 26, max: 140 }), viewport: fc.integer({ min: 200, max: 2000 }) });
const furthest = (scale: RowScale) => Math.max(0, contentHeight(scale) - scale.viewport);

describe('a scroller of a million rows', () => {
  test('is no higher than a browser draws', () => {
    expect(contentHeight(million)).toBe(maxScrollPx);
  });

  test('shows the first row at its top and the last at its bottom', () => {
    expect(rowsInView(0, million)[0]).toBe(0);
    expect(rowsInView(furthest(million), million)[1]).toBe(999_999);
  });

  test('brings every row whole into view, from wherever it stands', () => {
    fc.assert(fc.property(fc.nat(999_999), fc.double({ min: 0, max: 1, noNaN: true }), (index, share) => {
      const at = revealing(index, share * furthest(million), million, 32, 4);
      const top = index * 32 - toOffset(at, million);
      expect(at).toBeGreaterThanOrEqual(0);
      expect(top).toBeGreaterThanOrEqual(0);
      expect(top + 64).toBeLessThanOrEqual(800 + 1);
    }));
  });

  test('moves on by rows, never back, as it is scrolled', () => {
    fc.assert(fc.property(fc.nat(furthest(million) - 1), (at) => {
      const [before] = rowsInView(at, million);
      const [after] = rowsInView(at + 1, million);
      expect(after - before).toBeGreaterThanOrEqual(0);
      expect(after - before).toBeLessThanOrEqual(1);
    }));
  });
});

test('up to half a million rows nothing is stretched', () => {
  const scale = { ...million, rows: 499_000 };
  expect([contentHeight(scale), toOffset(12_345, scale), toScrollTop(12_345, scale)]).toEqual([499_000 * 32 + 32, 12_345, 12_345]);
});

test('a row that is in view stays where it is', () => {
  expect(revealing(5, 100, { ...million, rows: 1000 }, 32)).toBe(100);
});

test('whatever is seen is within the list, and as much as fits', () => {
  fc.assert(fc.property(scales, fc.double({ min: 0, max: 1, noNaN: true }), (scale, share) => {
    const [first, last] = rowsInView(share * furthest(scale), scale, 6);
    expect(first).toBeGreaterThanOrEqual(0);
    expect(last).toBeLessThan(scale.rows);
    expect(last - first).toBeLessThanOrEqual(scale.viewport / scale.rowHeight + 14);
  }));
});

test('an empty list has no row in view', () => {
  const [first, last] = rowsInView(0, { ...million, rows: 0 });
  expect(last).toBeLessThan(first);
});

test('a row in view keeps its slot while others come and go', () => {
  fc.assert(fc.property(fc.nat(1e6), fc.nat(20), fc.integer({ min: 1, max: 40 }), (first, step, count) => {
    const size = count + 5;
    const before = ringOf(first, first + count - 1, size);
    const after = ringOf(first + step, first + step + count - 1, size);
    expect(new Set(after).size).toBe(size);
    before.forEach((index, slot) => {
      if (index >= first + step) expect(after[slot]).toBe(index);
    });
  }));
});
