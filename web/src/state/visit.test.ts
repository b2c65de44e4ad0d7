import { expect, test } from 'vitest';
import { nextVisit } from './visit';

const minute = 60_000;

test('things are new since the last visit ended, and stay so however often the page is loaded', () => {
  const later = nextVisit({ seenAt: 1000, newSince: 10 }, 1000 + 60 * minute);
  expect(later).toEqual({ seenAt: 1000 + 60 * minute, newSince: 1000 });
  expect(nextVisit(later, later.seenAt + minute).newSince).toBe(1000);
});

test('on the first visit nothing is new', () => {
  expect(nextVisit({ seenAt: 0, newSince: 0 }, 99 * minute).newSince).toBe(0);
});
