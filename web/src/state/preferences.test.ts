import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { defaults, layoutOf, parsePreferences, plainLayout, preferences, printPreferences, setBaseline, setLayout, setPreferences, toggleMuted } from './preferences.svelte';

beforeEach(() => {
  localStorage.clear();
  setPreferences(structuredClone(defaults));
});

describe('stored habits', () => {
  test('come back as they were kept', () => {
    const kept = { ...defaults, theme: 'dark' as const, density: 'compact' as const, layouts: { 'a/b': { keys: ['state'], pinned: ['state'], widths: { state: 120 }, isBanded: true, folded: ['val'], directions: { f1: 'max' as const, loss: 'none' as const } } } };
    expect(parsePreferences(printPreferences(kept))).toEqual(kept);
  });

  test('fall back field by field where they cannot be read', () => {
    const odd = JSON.stringify({ version: 1, theme: 'pink', density: 'roomy', layouts: { a: 3, b: { keys: 'x', pinned: [1], widths: { w: -5, v: 90 }, folded: 'no', directions: { f1: 'up', loss: 'min' } } } });
    expect(parsePreferences(odd)).toEqual({ ...defaults, density: 'roomy', layouts: { b: { ...plainLayout, widths: { v: 90 }, directions: { loss: 'min' } } } });
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
  expect(layoutOf('a/b')).toEqual({ ...plainLayout, keys: ['state', 'tag'], pinned: ['tag'] });
  expect(parsePreferences(localStorage.getItem('everbloom:preferences')).layouts['a/c']?.widths).toEqual({ tag: 99 });
});

test('keys are muted per project, and heard again', () => {
  toggleMuted('a/b', 'seed');
  toggleMuted('a/b', 'host');
  toggleMuted('a/c', 'seed');
  toggleMuted('a/b', 'seed');
  expect(parsePreferences(localStorage.getItem('everbloom:preferences')).muted).toEqual({ 'a/b': ['host'], 'a/c': ['seed'] });
  expect(parsePreferences(JSON.stringify({ version: 1, muted: { a: 'no', b: ['yes'] } })).muted).toEqual({ b: ['yes'] });
});

test('only so many layouts are kept', () => {
  const layouts = Object.fromEntries(Array.from({ length: 150 }, (_, index) => [`p${index}`, plainLayout]));
  expect(Object.keys(parsePreferences(printPreferences({ ...preferences, layouts })).layouts)).toHaveLength(100);
});

describe('two tabs', () => {
  const inAnotherTab = (make: (kept: typeof defaults) => typeof defaults) => {
    const kept = parsePreferences(localStorage.getItem('everbloom:preferences'));
    localStorage.setItem('everbloom:preferences', printPreferences(make(kept)));
  };

  test('that change different habits keep both', () => {
    inAnotherTab((kept) => ({ ...kept, density: 'compact', baselines: { 'a/b': 'one' }, layouts: { 'a/b': { ...plainLayout, pinned: ['tag'] } } }));
    setPreferences({ theme: 'dark' });
    setBaseline('a/c', 'two');
    setLayout('a/b', { widths: { tag: 90 } });
    const kept = parsePreferences(localStorage.getItem('everbloom:preferences'));
    expect(kept).toMatchObject({ theme: 'dark', density: 'compact', baselines: { 'a/b': 'one', 'a/c': 'two' } });
    expect(kept.layouts['a/b']).toEqual({ ...plainLayout, pinned: ['tag'], widths: { tag: 90 } });
    expect(preferences).toMatchObject({ theme: 'dark', density: 'compact' });
  });

  test('never bring back a baseline that the other took away', () => {
    setBaseline('a/b', 'one');
    inAnotherTab((kept) => ({ ...kept, baselines: {} }));
    setBaseline('a/c', 'two');
    expect(parsePreferences(localStorage.getItem('everbloom:preferences')).baselines).toEqual({ 'a/c': 'two' });
  });
});
