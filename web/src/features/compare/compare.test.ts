import { describe, expect, test } from 'vitest';
import type { ComparedMetric, ComparedRow, Comparison } from '@/api/run-types';
import type { RunRow } from '@/api/types';
import { pickOthers, printCell, toMetricCells, toParamCells } from './differences';
import { chooseLead, filterMetrics, pickRuns } from './model.svelte';

const buildMetric = (values: ComparedMetric['values'], best: number[], key = 'val/acc'): ComparedMetric => ({
  key,
  word: 'max',
  direction: 'max',
  is_guessed: false,
  values,
  best,
});
const buildRow = (values: ComparedRow['values'], present = values.map(() => true)): ComparedRow => ({ key: 'lr', values, present, differs: true });
const buildRun = (id: string): RunRow => ({
  id,
  name: id,
  state: 'finished',
  cause: null,
  progress: null,
  created_at: 0,
  ended_at: null,
  duration_s: null,
  slot: 0,
  tags: [],
  note: '',
  note_version: 0,
  likes: 0,
  why: null,
  conclusion: null,
  verdict: null,
  user: null,
  experiment: '',
  project: 'p',
  namespace: 'n',
  parent: null,
  is_archived: false,
  is_stalled: false,
  error_line: null,
  cells: {},
  spark: null,
});

describe('results', () => {
  test('mark the best, all that are equal', () => {
    expect(toMetricCells(buildMetric([0.9, 0.8, 0.9], [0, 2])).map(({ isMarked }) => isMarked)).toEqual([true, false, true]);
  });

  test('mark none where all are the same, or there is one run', () => {
    expect(toMetricCells(buildMetric([1, 1], [0, 1])).some(({ isMarked }) => isMarked)).toBe(false);
    expect(toMetricCells(buildMetric([1], [0])).some(({ isMarked }) => isMarked)).toBe(false);
  });

  test('show NaN as a word and what is missing as a dash', () => {
    expect(toMetricCells(buildMetric(['NaN', null], [])).map(({ text }) => text)).toEqual(['NaN', '–']);
  });
});

test('large results are told in millions, whole where one points at them', () => {
  const cells = toMetricCells(buildMetric([8_187_904, 24_563_712, 1e20], []));
  expect(cells.map(({ text }) => text)).toEqual(['8.188M', '24.56M', '1e20']);
  expect(cells[0]?.full).toBe('8187904');
});

describe('parameters', () => {
  test('are held against the baseline', () => {
    expect(toParamCells(buildRow([1, 2, 1]), 1).map(({ isMarked }) => isMarked)).toEqual([true, false, true]);
  });

  test('without one are held against what most have, else the first', () => {
    expect(toParamCells(buildRow([2, 1, 1]), -1).map(({ isMarked }) => isMarked)).toEqual([true, false, false]);
    expect(toParamCells(buildRow([1, 2, 3]), -1).map(({ isMarked }) => isMarked)).toEqual([false, true, true]);
  });

  test('tell a missing one from null', () => {
    const cells = toParamCells(buildRow([null, null], [true, false]), 0);
    expect(cells.map(({ isMarked }) => isMarked)).toEqual([false, true]);
  });

  test('are written as people type them', () => {
    expect([5e-4, 0.8, 15_000, 3e7, 0].map((value) => printCell(value).text)).toEqual(['5e-4', '0.8', '15000', '3e7', '0']);
    expect(printCell('[4, 8, 11]')).toEqual({ text: '[4,8,11]', full: '[4, 8, 11]' });
    expect(printCell('[128]').text).toBe('[128]');
    expect(printCell('[[1], 2]').text).toBe('[[1], 2]');
    expect(printCell(5 * 3e-4)).toEqual({ text: '0.0015', full: '0.0014999999999999998' });
    expect([0.007391482375, 2.704575e-4, -123456.789, 16_777_216].map((value) => printCell(value).text)).toEqual(['0.007391', '2.705e-4', '-123500', '1.6777216e7']);
    expect(printCell('<b>x</b>').text).toBe('<b>x</b>');
  });
});

test('what differs is told once: a seed that is a parameter, too, stands among the parameters', () => {
  const seed = { ...buildRow([1, 2]), key: 'seed' };
  const state = { ...buildRow(['finished', 'failed']), key: 'state' };
  const why = { ...buildRow(['a', 'b']), key: 'why' };
  expect(pickOthers([seed, state, why], [seed]).map(({ key }) => key)).toEqual(['state']);
  expect(pickOthers([seed], [{ ...seed, values: [3, 4] }]).map(({ key }) => key)).toEqual(['seed']);
});

describe('pickRuns', () => {
  const found: Comparison = {
    runs: ['a', 'b', 'c'].map(buildRun),
    metrics: [buildMetric([1, 2, 3], [2])],
    params: [buildRow([7, 8, 9])],
    attributes: [],
    constant: [],
    shared_tags: [],
  };

  test('cuts all columns of a run that was taken out', () => {
    const left = pickRuns(found, ['c', 'a']);
    expect(left?.runs.map(({ id }) => id)).toEqual(['a', 'c']);
    expect(left?.metrics[0]).toMatchObject({ values: [1, 3], best: [1] });
    expect(left?.params[0]?.values).toEqual([7, 9]);
  });

  test('keeps an answer that fits as it is', () => {
    expect(pickRuns(found, ['a', 'b', 'c', 'new'])).toBe(found);
    expect(pickRuns(undefined, [])).toBeUndefined();
  });
});

test('metrics are found by all words, in any case', () => {
  const metrics = ['val/acc', 'val/loss', 'train/loss'].map((key) => buildMetric([], [], key));
  expect(filterMetrics(metrics, 'LOSS val').map(({ key }) => key)).toEqual(['val/loss']);
  expect(filterMetrics(metrics, ' ')).toBe(metrics);
});

test('the large chart is what most runs logged, a curve rather than a number', () => {
  const metrics = [buildMetric([1, null, null], [], 'rare'), buildMetric([1, 2, 3], [], 'once'), buildMetric([1, 2, 3], [], 'curve')];
  expect(chooseLead(metrics, new Set(['once']))?.key).toBe('curve');
  expect(chooseLead(metrics.slice(1, 2), new Set(['once']))?.key).toBe('once');
  expect(chooseLead([], new Set())).toBeUndefined();
});
