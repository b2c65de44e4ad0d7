import { cleanup, fireEvent, render, screen, waitFor, within } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import ChartTable from './ChartTable.svelte';
import { SharedCursor } from './cursor.svelte';
import CurveCard from './CurveCard.svelte';
import { buildColumns, buildLine, plainView } from './fixtures';
import { encodeFrame, installObservers } from './fixtures-dom';
import type { ChartView } from './lines';
import NamePicker from './NamePicker.svelte';
import type { SeriesAsk } from './series-query.svelte';
import ViewToolbar from './ViewToolbar.svelte';

let restore: () => void;
beforeEach(() => (restore = installObservers()));
afterEach(() => {
  cleanup();
  restore();
});

describe('a card of curves', () => {
  const asked: SeriesAsk[] = [];
  beforeEach(() => asked.splice(0));

  function show(view: Partial<ChartView> = {}, more: object = {}, values: readonly number[] = [3, 2, 1]) {
    const cursor = new SharedCursor();
    const load = (ask: SeriesAsk): Promise<ArrayBuffer> => {
      asked.push(ask);
      return Promise.resolve(encodeFrame(ask.axis, values.map((_, index) => index), [{ run: 'a', metric: 'loss', values }]));
    };
    const metric = { name: 'loss', direction: 'min' as const, ...more };
    render(CurveCard, { metric, lines: [buildLine()], view: { ...plainView, ...view }, cursor, load });
    return cursor;
  }

  test('says its metric, and the best value where nobody points', async () => {
    show();
    expect(screen.getByRole('heading', { name: 'loss' })).toBeTruthy();
    await waitFor(() => expect(screen.getByTitle('amber-heron-7c1e').textContent?.trim()).toBe('1'));
  });

  test('counts what no line can show', async () => {
    show({}, {}, [1, Number.NaN, Number.NaN, Infinity]);
    await screen.findByText('2 NaN');
    await screen.findByText('1 inf');
  });

  test('asks for another metric as x, and says so', async () => {
    show({ axis: 'metric', xMetric: 'tokens' });
    await screen.findByText('over tokens');
    await waitFor(() => expect(asked[0]).toMatchObject({ axis: 'metric', x_metric: 'tokens' }));
  });

  test('asks for all ranks as one line, or for one of them', async () => {
    show({ source: 'mean' });
    await waitFor(() => expect(asked[0]?.series).toEqual([{ run: 'a', metric: 'loss', rank: null, reduce: 'mean' }]));
    show({ source: 3 });
    await waitFor(() => expect(asked[1]?.series).toEqual([{ run: 'a', metric: 'loss', rank: 3, reduce: null }]));
  });

  test('is liked by its heart, and by whoever knows which card is pointed at', async () => {
    let likes = 0;
    const cursor = show({}, { like: { isOn: true, toggle: () => (likes += 1) } });
    const heart = screen.getByRole('button', { name: 'Unlike loss' });
    expect(heart.getAttribute('aria-pressed')).toBe('true');
    await fireEvent.click(heart);
    await fireEvent.pointerEnter(screen.getByRole('region', { name: 'loss' }));
    expect(cursor.card?.metric).toBe('loss');
    cursor.card?.toggleLike?.();
    await fireEvent.pointerLeave(screen.getByRole('region', { name: 'loss' }));
    expect([likes, cursor.card]).toEqual([2, null]);
  });

  test('parts from the zoom of the others where its menu is told to, and joins them again', async () => {
    HTMLElement.prototype.hidePopover ??= () => {};
    const cursor = show();
    const choose = async (): Promise<void> => {
      const box = screen.getByLabelText('Options of loss', { selector: '[popover]' });
      await fireEvent(box, Object.assign(new Event('toggle'), { newState: 'open' }));
      await fireEvent.click(screen.getByText('Zoom this chart alone'));
    };
    await waitFor(() => expect(asked).toHaveLength(1));
    await choose();
    await screen.findByText('own zoom');
    cursor.zoom = [1, 2];
    await choose();
    await waitFor(() => expect(asked.map(({ low, high }) => [low, high])).toEqual([[null, null], [1, 2]]));
  });

  test('says what failed and asks again when told to', async () => {
    let tries = 0;
    const load = (ask: SeriesAsk): Promise<ArrayBuffer> => {
      tries += 1;
      if (tries === 1) return Promise.reject(new Error('The index is being built.'));
      return Promise.resolve(encodeFrame(ask.axis, [0], [{ run: 'a', metric: 'loss', values: [7] }]));
    };
    render(CurveCard, { metric: { name: 'loss', direction: null }, lines: [buildLine()], view: plainView, cursor: new SharedCursor(), load });
    await screen.findByText('The index is being built.');
    await fireEvent.click(screen.getByRole('button', { name: /again|retry/i }));
    await waitFor(() => expect(screen.getByTitle('amber-heron-7c1e').textContent?.trim()).toBe('7'));
  });

  test('of no points says so instead of an empty plot', async () => {
    const load = (ask: SeriesAsk): Promise<ArrayBuffer> => Promise.resolve(encodeFrame(ask.axis, [], [{ run: 'a', metric: 'loss', values: [] }]));
    render(CurveCard, { metric: { name: 'loss', direction: null }, lines: [buildLine()], view: plainView, cursor: new SharedCursor(), load });
    await screen.findByText('No points logged yet.');
  });

  test('shows the line that crosses a range between two points, with the value that holds there', async () => {
    const crossing = { run: 'a', metric: 'loss', values: [], before: [0, 7], after: [9, 8] } as const;
    const cursor = new SharedCursor();
    cursor.zoom = [3, 4];
    const load = (ask: SeriesAsk): Promise<ArrayBuffer> => Promise.resolve(encodeFrame(ask.axis, [], [crossing]));
    render(CurveCard, { metric: { name: 'loss', direction: null }, lines: [buildLine()], view: plainView, cursor, load });
    await waitFor(() => expect(screen.getByTitle('amber-heron-7c1e').textContent?.trim()).toBe('7'));
    expect(screen.queryByText('No points in this range.')).toBeNull();
  });

  test('shows the way back from a range without points', async () => {
    const load = (ask: SeriesAsk): Promise<ArrayBuffer> =>
      Promise.resolve(ask.low === null ? encodeFrame(ask.axis, [0, 9], [{ run: 'a', metric: 'loss', values: [7, 8] }]) : encodeFrame(ask.axis, [], [{ run: 'a', metric: 'loss', values: [] }]));
    const cursor = new SharedCursor();
    cursor.zoom = [3, 4];
    render(CurveCard, { metric: { name: 'loss', direction: null }, lines: [buildLine()], view: plainView, cursor, load });
    await fireEvent.click(await screen.findByRole('button', { name: 'Show all' }));
    expect(cursor.zoom).toBeNull();
    await waitFor(() => expect(screen.queryByRole('button', { name: 'Show all' })).toBeNull());
  });
});

test('a chart has a table twin with a column for each line', () => {
  const lines = [buildColumns([1, 2]), buildColumns([3, Number.NaN], { run: 'b', name: 'second' })];
  render(ChartTable, { label: 'loss', lines, xs: Float64Array.from([10, 20]), axis: 'metric', xMetric: 'tokens' });
  const table = screen.getByRole('table');
  expect(within(table).getAllByRole('columnheader').map((head) => head.textContent)).toEqual(['tokens', 'amber-heron-7c1e', 'second']);
  expect(within(table).getAllByRole('row')[1]?.textContent?.replace(/\s+/g, ' ')).toContain('1');
});

describe('the toolbar', () => {
  test('changes the axis with one press, and shows a metric that x is', async () => {
    const changes: Partial<ChartView>[] = [];
    render(ViewToolbar, { view: { ...plainView, axis: 'metric', xMetric: 'tokens' }, metrics: ['tokens', 'loss'], onchange: (change) => changes.push(change) });
    const axis = screen.getByRole('group', { name: 'Horizontal axis' });
    expect(within(axis).getByRole('button', { name: 'tokens' }).getAttribute('aria-pressed')).toBe('true');
    await fireEvent.click(within(axis).getByRole('button', { name: 'Relative' }));
    expect(changes).toEqual([{ axis: 'relative' }]);
  });

  test('offers ranks only where there are several', () => {
    const { unmount } = render(ViewToolbar, { view: plainView, ranks: [0], onchange: () => {} });
    expect(screen.queryByRole('button', { name: 'First rank' })).toBeNull();
    unmount();
    render(ViewToolbar, { view: plainView, ranks: [0, 1], onchange: () => {} });
    expect(screen.getByRole('button', { name: 'First rank' })).toBeTruthy();
  });
});

describe('a list of names', () => {
  const names = Array.from({ length: 10_000 }, (_, index) => `layer${index}/w`);
  const open = (): string[] => {
    const picked: string[] = [];
    render(NamePicker, { label: 'Find a metric', names, picked: 'layer3/w', onpick: (name: string) => picked.push(name) });
    return picked;
  };

  test('shows the first few of however many, and says how many more there are', () => {
    open();
    expect(screen.getAllByRole('button')).toHaveLength(60);
    expect(screen.getByText('and 9,940 more')).toBeTruthy();
    expect(screen.getByRole('button', { name: 'layer3/w' }).getAttribute('aria-pressed')).toBe('true');
  });

  test('is narrowed by words; Enter takes the first, arrows go on', async () => {
    const picked = open();
    const field = screen.getByRole('searchbox', { name: 'Find a metric' });
    await fireEvent.input(field, { target: { value: 'LAYER777' } });
    expect(screen.getAllByRole('button').map((button) => button.textContent)).toEqual(['layer777/w', ...Array.from({ length: 10 }, (_, digit) => `layer777${digit}/w`)]);
    await fireEvent.keyDown(field, { key: 'ArrowDown' });
    expect(document.activeElement?.textContent).toBe('layer777/w');
    await fireEvent.keyDown(field, { key: 'Enter' });
    expect(picked).toEqual(['layer777/w']);
  });
});
