import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RunRow } from '@/api/types';
import { applyOffer } from './completer.svelte';
import { applyEdits } from './edits.svelte';
import { countFitting, diffTags, parseTags, widthOfAll } from './tags';
import { normalQuery, withColumns } from './views.svelte';

const row: RunRow = {
  id: 'a', name: 'amber', state: 'finished', cause: null, progress: null, created_at: 0, ended_at: null, duration_s: null, slot: 0, tags: ['x', 'y'], note: 'one', note_version: 1, likes: 1, why: null,
  conclusion: null, verdict: null, user: null, experiment: '', project: 'p', namespace: 'n', parent: null, is_archived: false, is_stalled: false, error_line: null, cells: { k: 1 }, spark: null,
};

describe('an edit before the server answered', () => {
  test('changes what it names and nothing else', () => {
    const after = applyEdits(row, [{ kind: 'tag', add: ['z', 'x'], remove: ['y'] }, { kind: 'note', text: 'two', append: true }, { kind: 'like', on: false }, { kind: 'set', fields: { archived: true, why: 'because' } }]);
    expect(after).toEqual({ ...row, tags: ['x', 'z'], note: 'one\n\ntwo', likes: 0, is_archived: true, why: 'because' });
  });

  test('never makes fewer than no likes', () => {
    expect(applyEdits({ ...row, likes: 0 }, [{ kind: 'like', on: false }]).likes).toBe(0);
  });
});

describe('tags as typed', () => {
  test('are split, trimmed and each once', () => {
    expect(parseTags(' a, b ,, a\nc ')).toEqual(['a', 'b', 'c']);
  });

  test('and their difference lead from before to after', () => {
    const tags = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e'));
    fc.assert(fc.property(tags, tags, (before, after) => {
      const { add, remove } = diffTags(before, after);
      expect(applyEdits({ ...row, tags: before }, [{ kind: 'tag', add, remove }]).tags.toSorted()).toEqual(after.toSorted());
    }));
  });
});

describe('completion', () => {
  test('replaces what it completes and leaves the cursor behind it', () => {
    expect(applyOffer('par and x = 1', { start: 0, end: 3 }, { text: 'params.lr', kind: 'key' })).toEqual({ text: 'params.lr and x = 1', at: 9 });
    expect(applyOffer('state', { start: 0, end: 5 }, { text: 'state', kind: 'key' })).toEqual({ text: 'state ', at: 6 });
  });
});

test('two addresses that say the same are the same view', () => {
  expect(normalQuery('?b=2&a=1')).toBe(normalQuery('a=1&b=2'));
});

test('which groups are open makes no other view of an address', () => {
  expect(normalQuery('?group=state&open=a')).toBe(normalQuery('?group=state'));
});

test('a view names the columns that are kept in this browser, unless the address names its own', () => {
  expect(new URLSearchParams(withColumns('?f=x', ['state', 'params."a, b"'])).get('cols')).toBe('state,params."a\\, b"');
  expect(withColumns('?cols=tag', ['state'])).toBe('cols=tag');
  expect(withColumns('?f=x', null)).toBe('f=x');
});

describe('tags in a cell', () => {
  const tags = ['hint-loss', 'candidate', 'ablation', 'seed'];

  test('stand whole as far as there is room, the number of the others included', () => {
    expect([countFitting(tags, 1000), countFitting(tags.slice(0, 2), 140), countFitting(tags, 140), countFitting([], 10)]).toEqual([4, 2, 1, 0]);
  });

  test('are never all hidden, and a wider cell never shows fewer', () => {
    fc.assert(fc.property(fc.array(fc.string({ minLength: 1, maxLength: 60 }), { minLength: 1 }), fc.nat(900), fc.nat(300), (names, width, more) => {
      expect(countFitting(names, width)).toBeGreaterThan(0);
      expect(countFitting(names, width + more)).toBeGreaterThanOrEqual(countFitting(names, width));
      expect(countFitting(names, widthOfAll(names))).toBe(names.length);
    }));
  });
});
