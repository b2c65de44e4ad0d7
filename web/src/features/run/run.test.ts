import { describe, expect, test } from 'vitest';
import type { Metric } from '@/api/run-types';
import { quoteArgs } from '@/domain/shell';
import { describeWriter } from './command';
import { filterNames, groupMetrics } from './curves';
import { isNumeric, nameFormat, printItem, toBars, toHistogram, toTable } from './media';
import { changeTags } from './model.svelte';
import { filterParams, printChange, printValue } from './params';
import { describePage, hexLines, imageAddress, nextOffset } from './preview';
import { formatUsage, toUsage } from './resources';
import { listSections, type Sectioned } from './sections';

const buildMetric = (name: string, change: Partial<Metric> = {}): Metric => ({
  name,
  n: 1,
  first: 1,
  last: 1,
  min: 1,
  max: 1,
  mean: 1,
  best: null,
  direction: null,
  is_guessed: false,
  last_step: 0,
  group: '',
  rank: 0,
  ...change,
});

describe('groups of curves', () => {
  const many = (prefix: string, count: number) => Array.from({ length: count }, (_, index) => buildMetric(`${prefix}/m${index}`));

  test('few curves need none', () => {
    expect(groupMetrics([...many('a', 5), ...many('b', 5)])).toHaveLength(1);
  });

  test('are by prefix, with what stands alone at the end', () => {
    const groups = groupMetrics([buildMetric('alone'), ...many('a', 8), buildMetric('x/y'), ...many('b', 8)]);
    expect(groups.map(({ prefix, metrics }) => `${prefix}:${metrics.length}`)).toEqual(['a:8', 'b:8', ':2']);
  });

  test('are one where there would be hundreds', () => {
    const metrics = Array.from({ length: 10_000 }, (_, index) => buildMetric(`layer${index}/norm`));
    expect(groupMetrics(metrics)).toEqual([{ prefix: '', metrics }]);
  });

  test('lose no metric', () => {
    const metrics = [...many('a', 9), ...many('ab', 9), buildMetric('a'), buildMetric('/odd')];
    expect(groupMetrics(metrics).flatMap((group) => group.metrics).map(({ name }) => name).sort()).toEqual(metrics.map(({ name }) => name).sort());
  });

  test('are found by words', () => {
    expect(filterNames(many('val', 3), 'M1').map(({ name }) => name)).toEqual(['val/m1']);
  });
});

describe('parameters', () => {
  test('are found by name and value', () => {
    const params = [['lr', 3e-4], ['model.name', 'ViT']] as const;
    expect(filterParams(params, 'vit').map(([name]) => name)).toEqual(['model.name']);
    expect(filterParams(params, '0.0003').map(([name]) => name)).toEqual(['lr']);
    expect(filterParams(params, '')).toHaveLength(2);
  });

  test('are written as they are', () => {
    expect([printValue('x'), printValue(null), printValue(true), printValue(['1', 'a'])]).toEqual(['x', 'null', 'true', '["1","a"]']);
  });
});

describe('changes of fields', () => {
  test('objectives are words, whatever else is printed as it is', () => {
    expect(printChange({ field: 'objectives', value: '{"val/acc":"max","val/loss":"min"}' })).toBe('val/acc max, val/loss min');
    expect(printChange({ field: 'objectives', value: '{"val/acc":"m…' })).toBe('{"val/acc":"m…');
    expect(printChange({ field: 'why', value: '{"a": 1}' })).toBe('{"a": 1}');
    expect(printChange({ field: 'seed', value: 7 })).toBe('7');
  });
});

describe('media', () => {
  test('a column of numbers is told from words, whatever is missing in it', () => {
    expect(isNumeric(['1', '-2.5e-3', '–', 'nan', '', '-inf'])).toBe(true);
    expect(isNumeric(['1', '2 cats'])).toBe(false);
    expect(isNumeric(['2024-01-05'])).toBe(false);
    expect(isNumeric(['–', ''])).toBe(false);
  });

  test('a figure is called by what draws it', () => {
    expect(nameFormat({ media_type: 'application/vnd.plotly.v1+json', kind: 'figure' })).toBe('the Plotly figure');
    expect(nameFormat({ media_type: 'application/vnd.vega+json', kind: 'figure' })).toBe('the Vega figure');
    expect(nameFormat({ media_type: 'text/html', kind: 'figure' })).toBe('text/html');
  });

  test('a table has its cells as text', () => {
    expect(toTable({ columns: ['a', 1], rows: [[null, { b: 1 }], 'odd'], total_rows: 9 })).toEqual({ columns: ['a', '1'], rows: [['–', '{"b":1}']], total: 9 });
    expect(toTable('no')).toBeNull();
  });

  test('a histogram needs an edge more than counts', () => {
    expect(toHistogram({ counts: [1, 2], edges: [0, 1, 2] })).toEqual({ counts: [1, 2], edges: [0, 1, 2] });
    expect(toHistogram({ counts: [1, 2], edges: [0, 1] })).toBeNull();
    expect(toHistogram({ counts: ['x'], edges: [0, 1] })).toBeNull();
  });

  test('bars are as wide as their bins and fit their box', () => {
    const bars = toBars({ counts: [1, 4, 9], edges: [0, 1, 1, 4] });
    expect(bars).toEqual([
      { x: 0, width: 0.25, height: 1 / 9 },
      { x: 0.25, width: 0.75, height: 1 },
    ]);
    expect(toBars({ counts: [1], edges: [2, 2] })).toEqual([]);
  });

  test('items are text', () => {
    expect([printItem(undefined), printItem('<b>'), printItem([1])]).toEqual(['–', '<b>', '[1]']);
  });
});

describe('previews', () => {
  const base = { size: 100, media_type: 'x' };

  test('know where the next page begins', () => {
    expect(nextOffset({ ...base, kind: 'text', offset: 0, next_offset: 40, text: '' })).toBe(40);
    expect(nextOffset({ ...base, kind: 'table', columns: [], rows: [[1], [2]], offset: 4, total_rows: 10 })).toBe(6);
    expect(nextOffset({ ...base, kind: 'table', columns: [], rows: [[1]], offset: 9, total_rows: 10 })).toBeNull();
    expect(nextOffset({ ...base, kind: 'table', columns: [], rows: [], offset: 9, total_rows: null })).toBeNull();
    expect(nextOffset({ ...base, kind: 'binary', offset: 0, hex: 'ff'.repeat(60) })).toBe(60);
    expect(nextOffset({ ...base, kind: 'json', value: 1 })).toBeNull();
    const tensor = { name: 'w', dtype: 'F32', shape: [2], size: 8 };
    expect(nextOffset({ ...base, kind: 'tensors', format: 'npz', total: 3, offset: 0, tensors: [tensor], metadata: {} })).toBe(1);
    expect(nextOffset({ ...base, kind: 'notebook', language: '', total: 0, offset: 0, cells: [] })).toBeNull();
  });

  test('bytes are read as a dump', () => {
    expect(hexLines('3c623e00ff', 16)).toBe(`00000010  ${'3c 62 3e 00 ff'.padEnd(47)}  <b>··`);
    expect(hexLines('', 0)).toBe('');
  });

  test('an image that could hold script is not shown', () => {
    expect(imageAddress('image/png', 'AA==')).toBe('data:image/png;base64,AA==');
    expect(imageAddress('image/svg+xml', 'AA==')).toBeNull();
    expect(imageAddress('text/html', 'AA==')).toBeNull();
    expect(imageAddress('image/png', 'AA" onerror="x')).toBeNull();
  });
});

describe('pages of a preview', () => {
  const base = { media_type: 'x/y', size: 6000 };

  test('say which part they are in the words of their kind', () => {
    expect(describePage({ ...base, kind: 'text', offset: 4096, next_offset: null, text: 'x' })).toBe('bytes 4,096 to 6,000 of 6,000');
    expect(describePage({ ...base, kind: 'table', columns: [], rows: [[1], [2]], offset: 4, total_rows: 10 })).toBe('rows 5 to 6 of 10');
    expect(describePage({ ...base, kind: 'table', columns: [], rows: [[1]], offset: 0, total_rows: null })).toBe('rows 1 to 1');
    expect(describePage({ ...base, kind: 'notebook', language: '', total: 9, offset: 0, cells: [] })).toBe('cells 1 to 0 of 9');
    expect(describePage({ ...base, kind: 'json', value: 1 })).toBe('');
  });
});

describe('resources', () => {
  test('are held against their limit where there is one', () => {
    const found = toUsage(buildMetric('system/memory.bytes', { max: 3e9, mean: 2e9 }), { 'memory.bytes': 4e9 });
    expect(found.limit?.part).toBe(0.75);
    expect(toUsage(buildMetric('system/cpu.percent'), {}).limit).toBeNull();
    expect(toUsage(buildMetric('system/memory.bytes'), { 'memory.bytes': 'Infinity' }).limit).toBeNull();
  });

  test('have the unit of their name', () => {
    expect(formatUsage('cpu.percent', 31.38)).toBe('31.4 %');
    expect(formatUsage('disk.read.bytes', 2_000_000)).toBe('2 MB');
  });
});

test('a command is quoted as a shell reads it', () => {
  expect(quoteArgs(['train.py', '--lr=3e-4', 'a b', "it's"])).toBe(String.raw`train.py --lr=3e-4 'a b' 'it'\''s'`);
  expect(describeWriter({ user: '', host: '', pid: 7, version: '' })).toBe('pid 7');
  expect(describeWriter({ user: 'mira', host: 'box', pid: 7, version: '1.0' })).toBe('mira@box · pid 7 · everbloom 1.0');
});

test('tags are each there once, sorted', () => {
  expect(changeTags(['b', 'a'], ['c', 'a'], ['b'])).toEqual(['a', 'c']);
});

test('a page has only sections with something to say', () => {
  const run: Sectioned = {
    params: { lr: 1 },
    problems: [],
    damage: [],
    metrics_total: 0,
    media: [],
    artifacts: [],
    resources: [],
    links: [],
    command: null,
    writers: [],
    history: [],
    children: [],
  };
  expect(listSections(run).map(({ id }) => id)).toEqual(['summary', 'parameters', 'console', 'notes']);
});
