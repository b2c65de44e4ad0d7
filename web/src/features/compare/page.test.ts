import { cleanup, fireEvent, render, screen, waitFor, within } from '@testing-library/svelte';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FakeServer, makeRow } from '@/api/fixtures/server';
import { clearCache } from '@/api/queries.svelte';
import { encodeFrame, installObservers } from '@/charts/fixtures-dom';
import { preferences, setPreferences } from '@/state/preferences.svelte';
import { toasts } from '@/state/toasts.svelte';
import { startUrl, url } from '@/state/url.svelte';
import Page from './Page.svelte';

const scope = { page: 'compare' as const, namespace: 'n', project: 'p', experiment: null, run: null };
const row = (key: string, values: readonly unknown[]) => ({ key, values, present: values.map(() => true), differs: true });
const comparison = {
  runs: [makeRow('a', { slot: 9 }), makeRow('b', { slot: 1 }), makeRow('c', { slot: 4 })],
  metrics: [{ key: 'val/acc', word: 'max', direction: 'max', is_guessed: false, values: [0.5, 0.9, 0.7], best: [1] }],
  params: [row('lr', [0.1, 0.2, 0.1]), row('seed', [1, 2, 3])],
  attributes: [row('seed', [1, 2, 3]), row('state', ['finished', 'failed', 'finished'])],
  constant: [{ key: 'depth', value: 6 }],
  shared_tags: [],
};

let server: FakeServer;
let stops: (() => void)[];
beforeEach(() => {
  clearCache();
  server = new FakeServer()
    .on('/compare', () => comparison)
    .on('/runs/a', () => ({ metrics: [], likes: {}, ranks: [0] }))
    .on('/runs/bulk', () => ({ changed: 3, undo_token: 'back', watermark: 1 }))
    .on('/series', ({ body }) => new Response(encodeFrame(Object(body).axis, [0, 1], comparison.runs.map(({ id }) => ({ run: id, metric: 'val/acc', values: [0.1, 0.5] })))))
    .start();
  history.replaceState(null, '', '/n/p/compare?runs=a,b,c');
  stops = [startUrl(), installObservers(), () => server.stop()];
});
afterEach(() => {
  cleanup();
  for (const stop of stops) stop();
  toasts.splice(0);
  history.replaceState(null, '', '/');
});

const chipOf = (name: string) => within(screen.getByRole('list', { name: 'Runs compared' })).getByRole('group', { name });

test('shows results with the best marked, and each difference once', async () => {
  render(Page, { place: scope });
  const best = await screen.findByRole('cell', { name: '0.9000, best' });
  expect(best).toBeTruthy();
  expect(screen.getAllByRole('rowheader').map((head) => head.title)).toEqual(['val/acc', 'lr', 'seed', 'state']);
  expect(screen.getByText('2 of 3 differ')).toBeTruthy();
});

test('a run that is hidden, pinned or removed is so in the address', async () => {
  render(Page, { place: scope });
  await screen.findByRole('cell', { name: '0.9000, best' });
  await fireEvent.click(within(chipOf('run-b')).getByRole('button', { name: 'Hide run-b' }));
  expect(url.search).toBe('?runs=a,b,c&hide=b');
  await fireEvent.click(within(chipOf('run-c')).getByRole('button', { name: 'Baseline: run-c' }));
  expect(url.search).toBe('?runs=a,b,c&hide=b&base=c');
  expect(screen.getByText('Parameters that differ from the baseline')).toBeTruthy();
  await fireEvent.click(within(chipOf('run-c')).getByRole('button', { name: 'Remove run-c' }));
  expect(url.search).toBe('?runs=a,b&hide=b');
});

test('runs keep the colours of their slots, and only the second of a colour is dashed', async () => {
  render(Page, { place: scope });
  await screen.findByRole('cell', { name: '0.9000, best' });
  const looks = ['run-a', 'run-b', 'run-c'].map((name) => chipOf(name).querySelector<HTMLElement>('.swatch'));
  expect(looks.map((swatch) => swatch?.style.getPropertyValue('--c'))).toEqual(['var(--run-2)', 'var(--run-2)', 'var(--run-5)']);
  expect(looks.map((swatch) => /\bp(\d)/.exec(swatch?.className ?? '')?.[1])).toEqual(['1', '0', '0']);
});

test('a key that is muted is folded away in its project, and comes back', async () => {
  localStorage.clear();
  setPreferences({ muted: {} });
  render(Page, { place: scope });
  await fireEvent.click(await screen.findByRole('button', { name: 'Mute seed' }));
  expect(screen.queryByRole('rowheader', { name: /seed/ })).toBeNull();
  expect(screen.getByText('1 muted')).toBeTruthy();
  expect(preferences.muted).toEqual({ 'n/p': ['seed'] });
  await fireEvent.click(screen.getByLabelText('Show seed again'));
  expect(screen.getByRole('rowheader', { name: /seed/ })).toBeTruthy();
});

test('a chart is liked in every run that is compared, with a way back', async () => {
  render(Page, { place: scope });
  await fireEvent.click(await screen.findByRole('button', { name: 'Like val/acc' }));
  await waitFor(() => expect(toasts.at(-1)?.text).toBe('Liked val/acc in 3 runs.'));
  const [edit] = server.asked.filter(({ path }) => path === '/runs/bulk');
  expect(edit?.body).toEqual({ ids: ['a', 'b', 'c'], edits: [{ kind: 'like', on: true, target: 'metric:val/acc' }] });
  expect(screen.getByRole('button', { name: 'Unlike val/acc' })).toBeTruthy();
});

test('curves are asked for once, all runs together', async () => {
  render(Page, { place: scope });
  await screen.findByRole('cell', { name: '0.9000, best' });
  await waitFor(() => expect(server.asked.filter(({ path }) => path === '/series')).toHaveLength(1));
  const [asked] = server.asked.filter(({ path }) => path === '/series');
  expect(Object(asked?.body).series).toHaveLength(3);
});
