import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HEIGHT_MOST_PX, LINE_PX, lineAt, scrollTopOf, viewOf, WINDOW_LINES, windowsOf } from './console-window';

const VIEW = 400;

describe('viewOf', () => {
  test('renders a screen of lines, whatever their number', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2_000_000_000 }), fc.double({ min: 0, max: 1, noNaN: true }), (total, part) => {
        const height = viewOf(total, 0, VIEW).height;
        const view = viewOf(total, part * (height - VIEW), VIEW);
        expect(view.to - view.from).toBeLessThan(60);
        expect(view.from).toBeGreaterThanOrEqual(0);
        expect(view.to).toBeLessThanOrEqual(total);
        expect(height).toBeLessThanOrEqual(HEIGHT_MOST_PX);
      }),
    );
  });

  test('shows the first line at the top and the last at the bottom', () => {
    for (const total of [1000, 50_000_000]) {
      expect(viewOf(total, 0, VIEW).from).toBe(0);
      const { height } = viewOf(total, 0, VIEW);
      expect(viewOf(total, height - VIEW, VIEW).to).toBe(total);
    }
  });

  test('places lines where the scroll bar says they are', () => {
    const view = viewOf(10_000, 1800, VIEW);
    expect(view.top).toBe(view.from * LINE_PX);
  });
});

test('scrolling to a line finds it at the top', () => {
  fc.assert(
    fc.property(fc.integer({ min: 100, max: 1_000_000_000 }), fc.double({ min: 0, max: 0.99, noNaN: true }), (total, part) => {
      const line = Math.floor(part * (total - 30));
      expect(lineAt(total, scrollTopOf(total, line, VIEW), VIEW)).toBeCloseTo(line, 2);
    }),
  );
});

test('windows hold the lines that are asked for', () => {
  expect(windowsOf(0, 10)).toEqual([0]);
  expect(windowsOf(WINDOW_LINES - 1, WINDOW_LINES + 1)).toEqual([0, 1]);
  expect(windowsOf(WINDOW_LINES, WINDOW_LINES)).toEqual([1]);
});
