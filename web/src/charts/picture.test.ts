import { expect, test } from 'vitest';
import { buildColumns } from './fixtures';
import { dashOf, withAlpha } from './picture';

test('a baseline is dashed whatever its slot, other lines as their slot is', () => {
  expect(dashOf(buildColumns([1], { slot: 0, isBaseline: true })).length).toBeGreaterThan(0);
  expect(dashOf(buildColumns([1], { slot: 0 }))).toEqual([]);
  expect(dashOf(buildColumns([1], { slot: 9 }))).not.toEqual(dashOf(buildColumns([1], { slot: 17 })));
});

test('an opacity is added to a hex colour alone', () => {
  expect([withAlpha('#1664bf', 0.17), withAlpha('#fff', 0.17), withAlpha('#1664bf', 1), withAlpha('red', 0.5)]).toEqual(['#1664bf2b', '#ffffff2b', '#1664bf', 'red']);
});
