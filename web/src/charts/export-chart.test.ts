import { describe, expect, test } from 'vitest';
import { buildColumns, buildFrame, buildLine, buildSeries } from './fixtures';
import { toCsv, toSvg, type SvgPicture } from './export-chart';
import { toColumns } from './lines';

const xs = Float64Array.of(0, 10);

describe('toCsv', () => {
  test('has a row for each bucket that holds points', () => {
    const series = buildSeries([{ values: [1, 5, 2], smoothed: 1.5 }, { values: [] }]);
    const csv = toCsv(toColumns(buildFrame([series]), [buildLine()]), xs, 'step');
    expect(csv).toBe('run,metric,step,last,min,max,smoothed,points\r\namber-heron-7c1e,loss,0,2,1,5,1.5,3\r\n');
  });

  test('quotes names and lets no spreadsheet run them', () => {
    const csv = toCsv([buildColumns([1, 2], { name: '=cmd|"x", y' })], xs, 'step');
    expect(csv.split('\r\n')[1]).toBe('"\'=cmd|""x"", y",loss,0,1,1,1,,1');
  });

  test('writes NaN as a word', () => {
    expect(toCsv([buildColumns([Number.NaN, 1])], xs, 'step')).toContain('loss,0,NaN,NaN,NaN,,1');
  });
});

describe('toSvg', () => {
  const picture = (change: Partial<SvgPicture> = {}): SvgPicture => ({
    title: 'val/<acc> & "more"',
    width: 200,
    height: 100,
    plot: { left: 20, top: 5, width: 170, height: 70 },
    lines: [buildColumns([1, 2], { name: '<script>alert(1)</script>\0' })],
    places: { x: (value) => 20 + value * 170, px: Float64Array.of(20, 190), y: (value) => 75 - value * 10, from: 0, to: 2 },
    xTicks: [[20, '0']],
    yTicks: [[40, '1']],
    hasBand: true,
    hasRaw: true,
    colours: { ink: '#111111', grid: '#eeeeee', panel: '#ffffff', of: () => '#1664bf' },
    dashOf: () => [4, 3],
    ...change,
  });
  const parse = (svg: string) => new DOMParser().parseFromString(svg, 'image/svg+xml');

  test('is a document that a parser takes, with names as text', () => {
    const document = parse(toSvg(picture()));
    expect(document.querySelector('parsererror')).toBeNull();
    expect(document.querySelector('script')).toBeNull();
    expect(document.querySelector('title')?.textContent).toBe('val/<acc> & "more"');
    expect([...document.querySelectorAll('text')].at(-1)?.textContent).toBe('<script>alert(1)</script>');
  });

  test('draws a band and a dashed line', () => {
    const paths = [...parse(toSvg(picture())).querySelectorAll('g path')];
    expect(paths.map((path) => path.getAttribute('stroke-dasharray'))).toEqual([null, '4 3']);
    expect(paths.at(-1)?.getAttribute('d')).toBe('M20.00 65.00L190.00 55.00');
  });

  test('leaves out what is switched off', () => {
    expect(parse(toSvg(picture({ hasBand: false, hasRaw: false }))).querySelectorAll('g path')).toHaveLength(1);
  });
});
