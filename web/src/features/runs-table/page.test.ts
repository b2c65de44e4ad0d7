import { cleanup, fireEvent, render, screen, waitFor, within } from '@testing-library/svelte';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FakeServer, makeRow, refusal } from '@/api/fixtures/server';
import { clearCache } from '@/api/queries.svelte';
import type { Column, RunGroup } from '@/api/types';
import { defaults, setPreferences } from '@/state/preferences.svelte';
import { comparing, selectionOf } from '@/state/selection.svelte';
import { startKeys } from '@/state/keys.svelte';
import { toasts, undoNewest } from '@/state/toasts.svelte';
import { navigate, startUrl } from '@/state/url.svelte';
import Page from './Page.svelte';

const column = (key: string, more: Partial<Column> = {}): Column => ({ key, kind: 'number', label: key, group: 'params', n: 4, varies: true, direction: null, min: 0, max: 1, distinct: null, ...more });
const columns = [column('metrics.val/acc.max', { direction: 'max', group: 'metrics/val' }), column('params.lr')];
const sums = (more: object = {}) => ({ n: 2, odd: 0, mean: 0.5, std: 0.1, min: 0.4, max: 0.6, distinct: 0, value: null, ...more });
const groups: RunGroup[] = [
  { value: 0.1, clause: 'params.lr = 0.1', count: 2, states: { finished: 2 }, cells: { 'metrics.val/acc.max': sums() } },
  { value: null, clause: 'params.lr is null', count: 1, states: { failed: 1 }, cells: {} },
];
const rows = ['a', 'b', 'c'].map((id, index) => makeRow(id, { cells: { 'metrics.val/acc.max': index / 4, 'params.lr': 0.1 } }));
let server: FakeServer;
let serial = 0;

// A browser lays out; here every element is as large as a window.
const sizes = { clientWidth: 1600, clientHeight: 900 };
class NoSizes {
  observe() {}
  disconnect() {}
}
startKeys();

beforeEach(() => {
  if (typeof globalThis.ResizeObserver !== 'function') Object.assign(globalThis, { ResizeObserver: NoSizes });
  for (const [name, px] of Object.entries(sizes)) Object.defineProperty(HTMLElement.prototype, name, { configurable: true, get: () => px });
  serial += 1;
  clearCache();
  localStorage.clear();
  sessionStorage.clear();
  setPreferences(structuredClone(defaults));
  server = new FakeServer().start();
  server.on('/runs', ({ query }) => {
    const found = query.get('f')?.includes('params.lr = 0.1') ? rows.slice(0, 2) : rows;
    return { total: found.length, offset: 0, query_ms: 1, watermark: 1, rows: Number(query.get('limit')) ? found : [], elsewhere: {}, archived: 0, columns: null };
  });
  server.on('/runs/columns', () => ({ columns, total: 2, default: columns.map((item) => item.key), constant: [{ key: 'params.seed', value: 1 }], watermark: 1 }));
  server.on('/runs/groups', () => ({ groups, total: 2, runs: 3, query_ms: 1, watermark: 1 }));
  server.on('/runs/best', () => ({ best: [] }));
  server.on('/runs/facets', () => ({ values: [] }));
  server.on('/projects', () => ({ projects: [], watermark: 1 }));
  server.on('/views', () => ({ views: [] }));
});
let stop = () => {};
afterEach(() => {
  cleanup();
  stop();
  server.stop();
  for (const name of Object.keys(sizes)) Reflect.deleteProperty(HTMLElement.prototype, name);
});

async function open(query = '') {
  const project = `p${serial}`;
  stop = startUrl();
  navigate(`/n/${project}/runs${query}`);
  selectionOf(`n/${project}`).clear();
  render(Page, { place: { page: 'runs', namespace: 'n', project, experiment: null, run: null } });
  await waitFor(() => expect(screen.getAllByRole('row').length).toBeGreaterThan(1));
}
const bodyRows = () => screen.getAllByRole('row').slice(1);
const press = (key: string, more: object = {}) => fireEvent.keyDown(document.body, { key, ...more });

test('the table is a grid that says how long it is and which row is where', async () => {
  await open();
  expect(screen.getByRole('grid', { name: 'Runs' }).getAttribute('aria-rowcount')).toBe('4');
  expect(bodyRows().map((row) => row.getAttribute('aria-rowindex'))).toEqual(['2', '3', '4']);
  expect(screen.getAllByRole('columnheader').map((head) => head.textContent.trim())).toEqual(['Run', 'State', 'Notes', 'Tags', 'val/acc', 'val/acc', 'lr', 'Created', 'Took']);
});

test('groups say their best, mean and deviation over all members, and open to show them', async () => {
  await open('?group=params.lr');
  await waitFor(() => expect(bodyRows().length).toBe(2));
  const [first, second] = bodyRows();
  expect(screen.getByRole('treegrid')).toBeTruthy();
  expect(first?.textContent).toMatch(/0\.1.*2.*0\.6000.*0\.5000 ± 0\.1/s);
  expect(second?.textContent).toContain('no lr');
  expect(first?.getAttribute('aria-expanded')).toBe('false');
  await fireEvent.click(first ?? document.body);
  await waitFor(() => expect(screen.getByRole('link', { name: /run-b/ })).toBeTruthy());
  expect(bodyRows().map((row) => row.getAttribute('aria-level'))).toEqual(['1', '2', '2', '1']);
  expect(location.search).toContain('open=');
});

test('a group is opened, taken and folded by keyboard', async () => {
  await open('?group=params.lr');
  await press('j');
  await press('ArrowRight');
  await waitFor(() => expect(bodyRows().length).toBe(4));
  await press('x');
  await waitFor(() => expect([...selectionOf(`n/p${serial}`).ids]).toEqual(['a', 'b']));
  await press('ArrowLeft');
  await waitFor(() => expect(bodyRows().length).toBe(2));
});

test('all runs between two are taken, whatever was read of them', async () => {
  await open();
  await press('j');
  await press('x');
  await press('End');
  await press('X', { shiftKey: true });
  await waitFor(() => expect([...selectionOf(`n/p${serial}`).ids].toSorted()).toEqual(['a', 'b', 'c']));
  await press('Escape');
  expect(selectionOf(`n/p${serial}`).size).toBe(0);
});

test('a refused filter keeps the rows and offers what was meant', async () => {
  await open();
  server.on('/runs', ({ query }) => (query.get('f') === 'acc > 1' ? refusal(400, 'filter.unknown_key', '`acc` is not a key.', { text: 'acc > 1', column: 1, length: 3, suggestions: ['metrics.val/acc'] }) : { total: 0, offset: 0, query_ms: 1, watermark: 1, rows: [], elsewhere: {}, archived: 0, columns: null }));
  const field = screen.getByRole('combobox');
  await fireEvent.input(field, { target: { value: 'acc > 1' } });
  await fireEvent.keyDown(field, { key: 'Enter' });
  const said = await screen.findByRole('alert');
  expect(bodyRows().length).toBe(3);
  await fireEvent.click(within(said).getByRole('button', { name: 'Use metrics.val/acc' }));
  expect(new URLSearchParams(location.search).get('f')).toBe('metrics.val/acc > 1');
});

test('columns in bands stand under their prefix, and a band folds away', async () => {
  setPreferences({ layouts: { [`n/p${serial}`]: { keys: null, pinned: [], widths: {}, isBanded: true, folded: [], directions: {} } } });
  await open();
  await fireEvent.click(await screen.findByRole('button', { name: 'val, fold' }));
  expect(screen.getByRole('button', { name: 'val, open' }).getAttribute('aria-expanded')).toBe('false');
  expect(screen.queryByText('0.2500')).toBeNull();
});

test('a file of all matches has the columns and the order that are seen', async () => {
  await open('?sort=params.lr&f=state%20%3D%20failed');
  const address = new URL(screen.getByRole('link', { name: 'CSV' }).getAttribute('href') ?? '', 'http://x');
  expect(address.pathname).toBe('/api/v1/runs/csv');
  expect(Object.fromEntries(address.searchParams)).toMatchObject({ sort: 'params.lr', f: 'state = failed', cols: 'state,note,tag,metrics.val/acc.max,params.lr,created,duration' });
});

test('an undo of what was done to a selection gives the selection back', async () => {
  server.on('/runs/bulk', () => ({ changed: 2, undo_token: 'token' }));
  server.on('/undo', () => ({ changed: 2, undo_token: null }));
  await open();
  const selection = selectionOf(`n/p${serial}`);
  selection.addAll(['a', 'b']);
  await press('e');
  await waitFor(() => expect(toasts.map(({ text }) => text)).toContain('Archived 2 runs.'));
  expect(selection.size).toBe(0);
  expect(undoNewest()).toBe(true);
  await waitFor(() => expect([...selection.ids]).toEqual(['a', 'b']));
});

test('all that match count as all of them, wherever it is asked, and are compared by the link to compare', async () => {
  await open();
  const selection = selectionOf(`n/p${serial}`);
  selection.addAll(['a', 'b']);
  await fireEvent.click(await screen.findByRole('button', { name: 'Select all 3' }));
  expect([selection.size, selection.count]).toEqual([2, 3]);
  const click = new MouseEvent('click', { cancelable: true });
  comparing(selection)(click);
  expect(click.defaultPrevented).toBe(true);
  await waitFor(() => expect(new URLSearchParams(location.search).get('runs')).toBe('a,b,c'));
});
