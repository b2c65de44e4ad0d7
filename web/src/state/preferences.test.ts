import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { defaults, layoutOf, parsePreferences, preferences, printPreferences, setLayout, setPreferences } from './preferences.svelte';

beforeEach(() => {
  localStorage.clear();
  setPreferences(structuredClone(defaults));
});

describe('stored habits', () => {
  test('come back as they were kept', () => {
    const kept = { ...defaults, theme: 'dark' as const, density: 'compact' as const, layouts: { 'a/b': { keys: ['state'], pinned: ['state'], widths: { state: 120 } } } };
    expect(parsePreferences(printPreferences(kept))).toEqual(kept);
  });

  test('fall back field by field where they cannot be read', () => {
    const odd = JSON.stringify({ version: 1, theme: 'pink', density: 'roomy', layouts: { a: 3, b: { keys: 'x', pinned: [1], widths: { w: -5, v: 90 } } } });
    expect(parsePreferences(odd)).toEqual({ ...defaults, density: 'roomy', layouts: { b: { keys: null, pinned: [], widths: { v: 90 } } } });
  });

  test('of another version are left alone', () => {
    expect(parsePreferences(JSON.stringify({ version: 2, theme: 'dark' }))).toEqual(defaults);
  });

  test('never throw, whatever is stored', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (stored) => {
      expect(parsePreferences(stored)).toHaveProperty('theme');
    }));
  });
});

test('a layout is kept per project, the others untouched', () => {
  setLayout('a/b', { keys: ['state', 'tag'] });
  setLayout('a/c', { widths: { tag: 99 } });
  setLayout('a/b', { pinned: ['tag'] });
  expect(layoutOf('a/b')).toEqual({ keys: ['state', 'tag'], pinned: ['tag'], widths: {} });
  expect(parsePreferences(localStorage.getItem('everbloom:preferences')).layouts['a/c']?.widths).toEqual({ tag: 99 });
});

test('only so many layouts are kept', () => {
  const layouts = Object.fromEntries(Array.from({ length: 150 }, (_, index) => [`p${index}`, { keys: null, pinned: [], widths: {} }]));
  expect(Object.keys(parsePreferences(printPreferences({ ...preferences, layouts })).layouts)).toHaveLength(100);
});
