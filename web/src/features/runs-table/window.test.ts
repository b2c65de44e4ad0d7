import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FakeServer, makeRow, refusal } from '@/api/fixtures/server';
import { live } from '@/api/live.svelte';
import { toasts, undoNewest } from '@/state/toasts.svelte';
import { RunEdits } from './edits.svelte';
import { RunWindow, pageSize, type WindowAsk } from './window.svelte';

let server: FakeServer;
let total = 1000;
const scope = { ns: 'n', project: 'p', experiment: null, f: '', archived: 'false' as const };
let serial = 0;
const ask = (more: Partial<WindowAsk> = {}): WindowAsk => ({ scope: { ...scope, f: `test ${serial}` }, sort: '-created', cols: [], spark: '', ...more });
const pagesAsked = () => server.asked.filter((asked) => asked.path === '/runs').map((asked) => Number(asked.query.get('offset')) / pageSize);
const named = (sort: string | null, index: number) => `${sort === 'name' ? 'b' : 'a'}${index}`;

beforeEach(() => {
  total = 1000;
  serial += 1;
  server = new FakeServer().start().on('/runs', ({ query }) => {
    const ids = [...(query.get('f') ?? '').matchAll(/"([ab]\d+)"/g)].map((match) => match[1] ?? '');
    const offset = Number(query.get('offset'));
    const limit = Math.min(Number(query.get('limit')), Math.max(0, total - offset));
    const rows = ids.length ? ids.map((id) => makeRow(id, { note: 'changed' })) : Array.from({ length: limit }, (_, at) => makeRow(named(query.get('sort'), offset + at), { cells: { k: at } }));
    return { total, offset, query_ms: 1, watermark: 1, rows, elsewhere: {}, archived: 0, columns: null };
  });
});
afterEach(() => server.stop());

async function opened(first = ask()): Promise<RunWindow> {
  const window = new RunWindow();
  window.ask(first);
  await vi.waitFor(() => expect(window.pages.size).toBeGreaterThan(1));
  return window;
}

test('a long list is read by pages: what is seen and one each way, whatever its length', async () => {
  total = 100_000;
  const window = await opened();
  window.see(50_000, 50_030);
  await vi.waitFor(() => expect(window.row(50_010)?.id).toBe('a50010'));
  expect(pagesAsked()).toEqual([0, 1, 499, 500, 501]);
});

test('another sort keeps the old rows until the new ones are there', async () => {
  const window = await opened();
  window.ask(ask({ sort: 'name' }));
  expect(window.row(0)?.id).toBe('a0');
  await vi.waitFor(() => expect(window.row(0)?.id).toBe('b0'));
});

test('the same question is asked once', async () => {
  const window = await opened();
  const before = server.asked.length;
  window.ask(ask());
  window.see(0, 20);
  expect(server.asked.length).toBe(before);
});

test('a list that was seen before is there at once on the way back', async () => {
  await opened();
  const again = new RunWindow();
  again.ask(ask());
  expect(again.row(3)?.id).toBe('a3');
});

test('news changes rows where they stand and counts new ones instead of moving them', async () => {
  const window = await opened();
  window.see(0, 20);
  total = 1003;
  window.hear({ watermark: 2, runs: ['a5', 'elsewhere'], projects: [] });
  await vi.waitFor(() => expect(window.row(5)?.note).toBe('changed'));
  await vi.waitFor(() => expect(window.newCount).toBe(3));
  expect([window.row(0)?.id, window.total]).toEqual(['a0', 1000]);
});

const emptyPage = () => ({ total: 0, offset: 0, query_ms: 1, watermark: 1, rows: [], elsewhere: {}, archived: 0, columns: null });

test('news that comes before the first answer is not lost with it', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout'] });
  const answer = server.answerOf('/runs');
  let release = (_page: ReturnType<typeof emptyPage>) => {};
  server.on('/runs', () => new Promise((resolve) => (release = resolve)));
  const window = new RunWindow();
  window.ask(ask());
  window.hear({ watermark: 2, runs: ['a1'], projects: [] });
  await vi.advanceTimersByTimeAsync(1000);
  server.on('/runs', answer);
  release(emptyPage());
  await vi.advanceTimersByTimeAsync(1000);
  vi.useRealTimers();
  await vi.waitFor(() => expect(window.row(0)?.id).toBe('a0'));
});

test('an answer from before what was heard meanwhile is not the last', async () => {
  const answer = server.answerOf('/runs');
  server.on('/runs', emptyPage);
  const window = new RunWindow();
  live.watermark = 2;
  window.ask(ask());
  await vi.waitFor(() => expect(window.hasAnswer).toBe(true));
  server.on('/runs', answer);
  await vi.waitFor(() => expect(window.row(0)?.id).toBe('a0'));
  live.watermark = 0;
});

test('a refused filter keeps the rows and says why', async () => {
  const window = await opened();
  server.on('/runs', () => refusal(400, 'filter.syntax', 'behind `>` comes a value.'));
  window.ask(ask({ scope: { ...scope, f: 'a >' } }));
  await vi.waitFor(() => expect(window.error?.code).toBe('filter.syntax'));
  expect(window.row(0)?.id).toBe('a0');
});

test('an edit is shown at once, keeps the cells, and undo sends what the server gave', async () => {
  const window = await opened();
  const edits = new RunEdits(window);
  const undo = [{ kind: 'note', text: 'before' }];
  server.on('/runs/a1', ({ body }) => ({ row: makeRow('a1', { note: JSON.stringify(body).includes('before') ? 'before' : 'kept' }), undo, watermark: 2 }));
  const row = window.row(1) ?? makeRow('none');
  const done = edits.edit(row, [{ kind: 'note', text: 'typed' }], 'Note kept.');
  expect(window.row(1)?.note).toBe('typed');
  expect(await done).toBe(true);
  expect(window.row(1)).toMatchObject({ note: 'kept', cells: { k: 1 } });
  expect(undoNewest()).toBe(true);
  await vi.waitFor(() => expect(window.row(1)?.note).toBe('before'));
});

test('what the server refuses is put back, and said', async () => {
  const window = await opened();
  server.on('/runs/a2', () => refusal(409, 'note.conflict', 'the note changed meanwhile.'));
  const row = window.row(2) ?? makeRow('none');
  expect(await new RunEdits(window).edit(row, [{ kind: 'note', text: 'mine' }], 'Note kept.')).toBe(false);
  expect(window.row(2)?.note).toBe('');
  expect(toasts.at(-1)).toMatchObject({ isError: true, text: 'the note changed meanwhile. [note.conflict]' });
});
