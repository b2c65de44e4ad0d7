import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Project } from '@/api/types';
import { keyOf, moveItem, sortByKeys } from './order';

const project = (name: string): Project => ({ namespace: 'n', name, runs: 0, running: 0, failed: 0, owner: null, last_activity_at: null, objective: null, rank: null, is_archived: false, new_finished: 0, new_failed: 0 });

test('moving keeps every item and puts one where it was wanted', () => {
  fc.assert(fc.property(fc.uniqueArray(fc.nat(), { minLength: 1 }), fc.nat(20), fc.nat(20), (items, from, to) => {
    const moved = moveItem(items, from, to);
    expect(moved.toSorted()).toEqual(items.toSorted());
    if (from < items.length && to < items.length) expect(moved[to]).toBe(items[from]);
    else expect(moved).toEqual(items);
  }));
});

test('projects that the order does not name come behind, as they were', () => {
  const names = sortByKeys(['a', 'b', 'c', 'd'].map(project), ['n/c', 'n/a']).map((item) => item.name);
  expect(names).toEqual(['c', 'a', 'b', 'd']);
  expect(keyOf(project('a'))).toBe('n/a');
});
