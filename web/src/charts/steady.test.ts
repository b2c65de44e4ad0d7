import { expect, test } from 'vitest';
import { steady } from './steady';

test('what says the same stays the same object, and what does not is taken', () => {
  const keep = steady<readonly { name: string; isLive?: boolean }[]>();
  const first = keep([{ name: 'a' }]);
  expect(keep([{ name: 'a' }])).toBe(first);
  const second = keep([{ name: 'a', isLive: true }]);
  expect(second).toEqual([{ name: 'a', isLive: true }]);
  expect(keep([])).toEqual([]);
});
