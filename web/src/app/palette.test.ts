import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Project } from '@/api/types';
import { rememberRuns } from '@/state/known-runs';
import { Palette } from './palette.svelte';

const scope = { namespace: 'me', project: 'walk', experiment: null };
let asked: string[] = [];

/** A server that knows no key `acc`, says what was meant, and finds nothing by words. */
function answer(url: URL): Response {
  const filter = url.searchParams.get('f') ?? '';
  if (url.pathname.endsWith('/search')) return Response.json({ hits: [] });
  asked.push(filter);
  if (!filter.startsWith('acc')) return Response.json({ rows: [], total: 7 });
  const fields = { text: filter, column: 1, length: 3, suggestions: ['metrics.val/acc'] };
  return Response.json({ error: { code: 'filter.unknown_key', message: 'no key acc', fields } }, { status: 400 });
}

beforeEach(() => {
  asked = [];
  vi.stubGlobal('fetch', async (url: string) => answer(new URL(url, 'http://localhost')));
});
afterEach(() => vi.unstubAllGlobals());

const project = (name: string): Project => ({
  namespace: 'me', name, runs: 3, running: 0, failed: 0, new_failed: 0, new_finished: 0, goals: [], is_archived: false, last_activity_at: null, objective: null, owner: null, rank: null,
});
const labels = (palette: Palette) => palette.entries.map((entry) => `${entry.kind} ${entry.label}`);

async function typeAndWait(palette: Palette, text: string) {
  palette.type(text);
  await vi.waitFor(() => expect(palette.isAsking).toBe(false));
}

test('a project of just that name comes before a run that only holds it, and before the words as a filter', async () => {
  rememberRuns([{ id: '0'.repeat(31) + '1', name: 'sidewalk-3', detail: '' }, { id: '0'.repeat(31) + '2', name: 'walker-9', detail: '' }]);
  const palette = new Palette(() => scope, () => [project('long-walk'), project('walk')]);
  await typeAndWait(palette, 'walk');
  expect(labels(palette)).toEqual(['Go walk', 'Filter walk', 'Run walker-9', 'Go long-walk', 'Run sidewalk-3']);
});

test('a run that was seen long ago is found by its whole name among many that hold it', async () => {
  rememberRuns([{ id: 'a'.repeat(32), name: 'fern', detail: '' }]);
  rememberRuns(Array.from({ length: 20 }, (_, index) => ({ id: index.toString(16).padStart(32, 'b'), name: `ferns-${index}`, detail: '' })));
  const palette = new Palette(() => scope, () => []);
  await typeAndWait(palette, 'fern');
  expect(labels(palette)[0]).toBe('Run fern');
});

test('what is no filter yet is neither offered as one nor asked', async () => {
  const palette = new Palette(() => scope, () => []);
  await typeAndWait(palette, 'metrics.val/acc >');
  expect([asked, labels(palette)]).toEqual([[], []]);
});

test('a filter that was refused is asked once, what it was meant to be as often as it is typed', async () => {
  const palette = new Palette(() => scope, () => []);
  await typeAndWait(palette, 'acc > 0.9');
  await typeAndWait(palette, 'acc > 0.99');
  await typeAndWait(palette, 'acc > 0.9');
  expect(asked.filter((filter) => filter === 'acc > 0.9')).toHaveLength(1);
  expect(asked.filter((filter) => filter === 'metrics.val/acc > 0.9')).toHaveLength(2);
  expect(palette.entries.map((entry) => entry.detail)).toEqual(['7 runs match']);
});
