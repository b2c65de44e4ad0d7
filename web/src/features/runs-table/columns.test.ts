import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Column, ColumnCatalogue } from '@/api/types';
import { barShare, cellKeys, columnsInView, defaultKeys, defaultSpark, isAtStep, isBest, metricName, shownColumns, splitMetric, type Layout, type ShownColumn } from './columns';

const column = (key: string, more: Partial<Column> = {}): Column => ({ key, kind: 'number', label: key, group: 'params', n: 9, varies: true, direction: null, min: 0, max: 1, distinct: null, ...more });

function catalogueOf(columns: Column[]): ColumnCatalogue {
  return { columns, total: columns.length, default: columns.filter((item) => item.varies).map((item) => item.key), constant: [], watermark: 1 };
}

const catalogue = catalogueOf([
  column('params.rare', { n: 1 }), column('params.lr', { n: 9 }), column('params.seed', { varies: false }),
  column('metrics.train/loss.min', { direction: 'min' }), column('metrics.val/acc.max', { direction: 'max' }), column('metrics.epoch.last'),
]);
const layout: Layout = { keys: null, pinned: [], widths: {}, directions: {} };
const shown = (more: Partial<Layout> = {}, hasBaseline = false) => shownColumns(catalogue, { ...layout, ...more }, 'train/loss', hasBaseline);

describe('the columns shown by default', () => {
  test('are those that vary, held-out metrics first, then the curve, then what most runs have', () => {
    expect(defaultKeys(catalogue)).toEqual(['state', 'note', 'tag', 'metrics.val/acc.max', 'metrics.train/loss.min', 'spark', 'params.lr', 'params.rare', 'metrics.epoch.last', 'created', 'duration']);
  });

  test('of a project with ten thousand keys are some forty', () => {
    expect(defaultKeys(catalogueOf(Array.from({ length: 10_000 }, (_, index) => column(`params.p${index}`)))).length).toBeLessThan(50);
  });

  test('draw the curve of a training loss where there is one', () => {
    expect(defaultSpark(catalogue)).toBe('train/loss');
    expect(defaultSpark(catalogueOf([]))).toBe('');
  });

  test('offer conclusions in the place of notes that nobody wrote', () => {
    const words = (columns: Column[]) => defaultKeys(catalogueOf(columns)).slice(1, 3);
    expect(words([column('conclusion', { kind: 'text' })])).toEqual(['conclusion', 'tag']);
    expect(words([column('conclusion', { kind: 'text' }), column('note', { kind: 'text' })])).toEqual(['note', 'conclusion']);
  });
});

describe('shown columns', () => {
  test('keep the chosen order, pinned ones first', () => {
    expect(shown({ keys: ['state', 'params.lr', 'tag'], pinned: ['tag'] }).map((item) => item.key)).toEqual(['tag', 'state', 'params.lr']);
  });

  test('get the difference to a baseline beside the first metric, only while there is one', () => {
    expect(shown({}, true).map((item) => item.key)[4]).toBe('delta');
    expect(shown({ keys: ['delta', 'state'] }).map((item) => item.key)).toEqual(['state']);
  });

  test('of another summary know their metric but not its range', () => {
    const [last] = shown({ keys: ['metrics.val/acc.mean'] });
    expect(last).toMatchObject({ label: 'val/acc', summary: 'mean', direction: 'max', low: null, high: null });
  });

  test('of a value at a step say the step beside the metric, whichever way is better', () => {
    const [early, late] = shown({ keys: ['metrics.val/acc.@500', 'metrics.train/loss.@-1'] });
    expect(early).toMatchObject({ label: 'val/acc', summary: '@500', direction: 'max', kind: 'metric' });
    expect([isAtStep(early!), isAtStep(late!), isAtStep(shown({ keys: ['metrics.val/acc.max'] })[0]!)]).toEqual([true, true, false]);
  });

  test('that no run has any more still have a name and a width', () => {
    expect(shown({ keys: ['params.gone'] })[0]).toMatchObject({ label: 'gone', kind: 'text' });
  });

  test('ask the server for cells of their own only', () => {
    expect(cellKeys(shown())).toEqual(['metrics.val/acc.max', 'metrics.train/loss.min', 'params.lr', 'params.rare', 'metrics.epoch.last']);
  });
});

test('a metric key splits at its summary', () => {
  expect(splitMetric('metrics.a.b.max')).toEqual({ metric: 'metrics.a.b', summary: 'max' });
  expect(splitMetric('metrics.a.b.@12')).toEqual({ metric: 'metrics.a.b', summary: '@12' });
  expect(splitMetric('metrics.a.@x')).toEqual({ metric: 'metrics.a.@x', summary: 'last' });
  expect(splitMetric('metrics.loss')).toEqual({ metric: 'metrics.loss', summary: 'last' });
  expect(splitMetric('params.max')).toBeNull();
  expect([metricName('metrics."my ""m""".max'), metricName('params.x')]).toEqual(['my "m"', '']);
});

describe('bars and marks', () => {
  const metric = (direction: 'min' | 'max', low: number, high: number): ShownColumn => ({ key: 'metrics.m.max', label: 'm', summary: '', kind: 'metric', width: 100, isPinned: false, direction, low, high, digits: null });

  test('a better value has a longer bar, whichever way is better', () => {
    const range = fc.tuple(fc.double({ min: -1e6, max: 1e6, noNaN: true }), fc.double({ min: 1e-3, max: 1e6, noNaN: true })).map(([low, size]) => [low, low + size] as const);
    fc.assert(fc.property(range, fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }), ([low, high], a, b) => {
      const at = (share: number) => low + share * (high - low);
      const bar = (share: number) => barShare(metric('max', low, high), at(share)) ?? NaN;
      const opposite = (share: number) => barShare(metric('min', low, high), at(share)) ?? NaN;
      if (a < b) {
        expect(bar(a)).toBeLessThanOrEqual(bar(b));
        expect(opposite(a)).toBeGreaterThanOrEqual(opposite(b));
      }
    }));
  });

  test('what is no number, and a column of one value, have none', () => {
    expect(barShare(metric('max', 0, 1), NaN)).toBeNull();
    expect(barShare(metric('max', 2, 2), 2)).toBeNull();
    expect([isBest(metric('max', 0, 3), 3), isBest(metric('min', 0, 3), 0), isBest(metric('max', 2, 2), 2)]).toEqual([true, true, false]);
  });
});

test('only columns in view exist, and the room of the others is kept', () => {
  const columns = shownColumns(catalogueOf([]), { keys: Array.from({ length: 12_000 }, (_, index) => `params.p${index}`), pinned: [], widths: {}, directions: {} }, '', false);
  const total = columns.reduce((sum, item) => sum + item.width, 0);
  fc.assert(fc.property(fc.integer({ min: 0, max: total }), (left) => {
    const view = columnsInView(columns, left, 1200);
    const inside = columns.slice(view.from, view.to).reduce((sum, item) => sum + item.width, 0);
    expect(view.to - view.from).toBeLessThan(30);
    expect(view.before + inside + view.after).toBe(total);
  }), { numRuns: 30 });
});
