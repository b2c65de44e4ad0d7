import { describe, expect, test } from 'vitest';
import { findAddresses, findForeign, toFigure } from './figure-spec';

const LITE = 'https://vega.github.io/schema/vega-lite/v5.json';

describe('a figure', () => {
  test('is told by what it says of itself', () => {
    expect(toFigure({ $schema: LITE, mark: 'bar' })?.kind).toBe('vega-lite');
    expect(toFigure({ $schema: 'https://vega.github.io/schema/vega/v5.json' })?.kind).toBe('vega');
    expect(toFigure({ data: [{ y: [1] }] })).toEqual({ kind: 'plotly', data: [{ y: [1] }], layout: {} });
  });

  test('is none where it says neither', () => {
    expect([null, 7, 'text', [], {}, { data: 'x' }].map(toFigure)).toEqual([null, null, null, null, null, null]);
  });

  test('of WebGL traces is drawn by their twins, with every point', () => {
    const figure = toFigure({ data: [{ type: 'scattergl', y: [1, 2] }, { type: 'bar', y: [3] }, 'odd'] });
    expect(figure).toMatchObject({ data: [{ type: 'scatter', y: [1, 2] }, { type: 'bar', y: [3] }] });
  });
});

test('kinds of traces that are not known are named, each once', () => {
  const known = new Set(['scatter', 'bar']);
  expect(findForeign([{}, { type: 'bar' }, { type: 'surface' }, { type: 'surface' }], known)).toEqual(['surface']);
});

test('data that a figure names by address are found wherever they stand, and text that looks like it is left alone', () => {
  const inside = { $schema: LITE, layer: [{ data: { url: '/api/v1/runs' } }], data: { values: [{ data: { url: 'a value' } }] } };
  expect(findAddresses(inside)).toEqual(['/api/v1/runs']);
  expect(findAddresses({ data: [{ name: 'a', url: 'x.csv' }, { name: 'b', values: [] }] })).toEqual(['x.csv']);
  expect(findAddresses({ data: { values: [1] }, title: { text: 'url' } })).toEqual([]);
});
