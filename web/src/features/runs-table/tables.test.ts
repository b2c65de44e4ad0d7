import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Column, ColumnCatalogue, GroupCell } from '@/api/types';
import { arrangeBands, bandOf, bandsOver } from './bands';
import { listEntries } from './column-entries';
import { shownColumns, type ShownColumn } from './columns';
import { bestOf, groupWords } from './group-cells';

const known = (key: string, more: Partial<Column> = {}): Column => ({ key, kind: 'number', label: key, group: key.startsWith('metrics') ? 'metrics/val' : 'params', n: 9, varies: true, direction: null, min: 0, max: 1, distinct: null, ...more });
const keys = ['state', 'metrics.val/acc.max', 'delta', 'params.lr', 'metrics.train/loss.min', 'metrics.val/loss.min', 'params.optim.name', 'params.optim.wd', 'created'];
const catalogue: ColumnCatalogue = { columns: keys.map((key) => known(key, { direction: key.endsWith('max') ? 'max' : key.endsWith('min') ? 'min' : null })), total: keys.length, default: keys, constant: [], watermark: 1 };
const columns = shownColumns(catalogue, { keys, pinned: [], widths: {}, directions: {} }, '', true);
const cell = (more: Partial<GroupCell> = {}): GroupCell => ({ n: 3, odd: 0, mean: 0.5, std: 0.25, min: 0.25, max: 0.75, distinct: 0, value: null, ...more });
const column = (key: string): ShownColumn => columns.find((item) => item.key === key) ?? columns[0] ?? { key, label: key, summary: '', kind: 'text', width: 0, isPinned: false, direction: null, low: null, high: null, digits: null };

describe('columns in bands', () => {
  test('stand together where the first of their band stood, and say their names without it', () => {
    expect(arrangeBands(columns, []).map((item) => item.label)).toEqual(['State', 'acc', 'vs base', 'loss', 'lr', 'loss', 'name', 'wd', 'Created']);
    expect(bandsOver(arrangeBands(columns, [])).map((band) => band.name)).toEqual(['', 'val', 'params', 'train', 'optim', '']);
  });

  test('that are folded are one narrow column, which says how many it holds', () => {
    const folded = arrangeBands(columns, ['val', 'optim']).filter((item) => item.kind === 'folded');
    expect(folded.map((item) => [bandOf(item), item.folds])).toEqual([['val', 3], ['optim', 2]]);
    expect(bandsOver(arrangeBands(columns, ['val'])).find((band) => band.name === 'val')).toMatchObject({ isFolded: true, count: 3 });
  });

  test('are never lost nor doubled', () => {
    fc.assert(fc.property(fc.shuffledSubarray(keys), (some) => {
      const shown = shownColumns(catalogue, { keys: some, pinned: [], widths: {}, directions: {} }, '', true);
      expect(arrangeBands(shown, []).map((item) => item.key).toSorted()).toEqual(shown.map((item) => item.key).toSorted());
    }));
  });

  test('are as wide as what they hold', () => {
    const arranged = arrangeBands(columns, ['optim']);
    expect(bandsOver(arranged).reduce((sum, band) => sum + band.width, 0)).toBe(arranged.reduce((sum, item) => sum + item.width, 0));
  });
});

describe('what a person says of a metric', () => {
  test('counts over what its name suggests', () => {
    const said = (way: 'min' | 'max' | 'none') => shownColumns(catalogue, { keys: ['metrics.val/acc.max'], pinned: [], widths: {}, directions: { 'val/acc': way } }, '', false)[0]?.direction;
    expect([said('min'), said('max'), said('none')]).toEqual(['min', 'max', null]);
  });
});

describe('a group in one column', () => {
  test('says the best of its members, mean and deviation, and of how many', () => {
    const words = groupWords(cell(), column('metrics.val/acc.max'), 4, 0);
    expect([words.main, words.aside]).toEqual(['0.7500', '0.5000 ± 0.25']);
    expect(words.title).toContain('of 3 of 4 runs');
    expect([bestOf(cell(), column('metrics.val/acc.max')), bestOf(cell(), column('metrics.val/loss.min')), bestOf(cell(), column('params.lr'))]).toEqual([0.75, 0.25, null]);
  });

  test('says a value that all share once, and how many values there are where they differ', () => {
    expect(groupWords(cell({ value: 'adam', mean: null }), column('params.lr'), 3, 0)).toMatchObject({ main: 'adam', aside: '' });
    expect(groupWords(cell({ mean: null, distinct: 2 }), column('params.lr'), 3, 0)).toMatchObject({ main: '', aside: '2 values' });
  });

  test('never hides NaN and infinity, which no mean holds', () => {
    expect(groupWords(cell({ odd: 2 }), column('metrics.val/acc.max'), 3, 0).title).toContain('2 NaN or infinite');
    expect(groupWords(cell({ mean: null, min: null, max: null, std: null, odd: 3 }), column('metrics.val/acc.max'), 3, 0).aside).toBe('3 NaN or ∞');
  });

  test('of one run has no deviation, and of none says nothing', () => {
    expect(groupWords(cell({ n: 1, std: null }), column('params.lr'), 1, 0).aside).toBe('0.5000');
    expect(groupWords(undefined, column('params.lr'), 1, 0)).toEqual({ main: '', aside: '', title: '' });
  });
});

describe('the column chooser', () => {
  const entries = (sought = '', shown: string[] = ['params.lr']) => listEntries(catalogue.columns, shown, sought, 'train/loss');

  test('lists every column once, under a heading that says how many of its group are shown', () => {
    const items = entries().filter((entry) => !entry.isHeading);
    expect(items.length).toBe(keys.length + 1);
    expect(entries().find((entry) => entry.isHeading && entry.keys.includes('params.lr'))).toMatchObject({ isOn: null });
    expect(entries('', keys).filter((entry) => entry.isHeading && entry.label !== 'Curve').map((entry) => entry.isOn)).toEqual([true, true]);
  });

  test('finds by any part of a name, in any case', () => {
    expect(entries('LOSS').filter((entry) => !entry.isHeading).map((entry) => entry.key)).toEqual(['spark', 'metrics.train/loss.min', 'metrics.val/loss.min']);
    expect(entries('nothing like it')).toEqual([]);
  });

  test('lists twelve thousand columns in one go', () => {
    const many = Array.from({ length: 12_000 }, (_, index) => known(`params.p${index}`));
    expect(listEntries(many, [], '', '').length).toBe(12_003);
  });
});
