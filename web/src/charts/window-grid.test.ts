import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { columnsThatFit, windowOf } from './window-grid';

describe('columnsThatFit', () => {
  test('counts gaps between columns, not after the last', () => {
    expect(columnsThatFit(1130, 275, 10)).toBe(4);
    expect(columnsThatFit(1129, 275, 10)).toBe(3);
    expect(columnsThatFit(0, 275, 10)).toBe(1);
  });
});

describe('windowOf', () => {
  const place = { offset: 0, viewHeight: 600 };

  test('renders what is in sight and a row more', () => {
    expect(windowOf(10_000, 4, 190, 10, place)).toEqual({ from: 0, to: 16, top: 0, height: 499_990 });
  });

  test('follows the scroll', () => {
    const found = windowOf(10_000, 4, 190, 10, { offset: -20_000, viewHeight: 600 });
    expect(found).toMatchObject({ from: 396, to: 416, top: 19_800 });
  });

  test('renders little of ten thousand wherever one stands, and always what is in sight', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10_000 }), fc.integer({ min: 1, max: 8 }), fc.integer({ min: -600_000, max: 2000 }), (count, columns, offset) => {
        const found = windowOf(count, columns, 190, 10, { offset, viewHeight: 900 });
        expect(found.to - found.from).toBeLessThanOrEqual(columns * 8);
        expect(found.from).toBeGreaterThanOrEqual(0);
        expect(found.to).toBeLessThanOrEqual(count);
        for (let index = 0; index < count; index += 997) {
          const top = offset + Math.floor(index / columns) * 200;
          if (top < 900 && top + 190 > 0) {
            expect(index).toBeGreaterThanOrEqual(found.from);
            expect(index).toBeLessThan(found.to);
          }
        }
      }),
    );
  });

  test('is empty without cards', () => {
    expect(windowOf(0, 4, 190, 10, place)).toEqual({ from: 0, to: 0, top: 0, height: 0 });
  });
});
