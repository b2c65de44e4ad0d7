import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ConsoleModel } from './console.svelte';
import { WINDOW_LINES } from './console-window';

/** A server with so many lines; counts what it was asked for. */
class Server {
  total = 0;
  readonly asked: string[] = [];

  readonly answer = (address: string | URL | Request): Promise<Response> => {
    const url = new URL(String(address), 'http://127.0.0.1');
    this.asked.push(url.pathname.replace('/api/v1/runs/a', '') + url.search);
    return Promise.resolve(Response.json(url.pathname.endsWith('search') ? this.search(url) : this.window(url)));
  };

  private window(url: URL) {
    const tail = url.searchParams.get('tail');
    const from = tail === null ? Number(url.searchParams.get('from_line')) : Math.max(1, this.total - Number(tail) + 1);
    const count = Math.min(Number(tail ?? url.searchParams.get('limit')), this.total - from + 1);
    const lines = Array.from({ length: Math.max(0, count) }, (_, index) => `line ${from + index}`);
    return { lines, first_line: from, total_lines: this.total, is_live: true };
  }

  private search(url: URL) {
    return { matches: [{ line: 7, text: `has ${url.searchParams.get('q')}` }], more: false };
  }
}

describe('ConsoleModel', () => {
  let server: Server;

  beforeEach(() => {
    server = new Server();
    vi.stubGlobal('fetch', server.answer);
  });
  afterEach(() => vi.unstubAllGlobals());

  async function open(total: number): Promise<ConsoleModel> {
    server.total = total;
    const model = new ConsoleModel('a');
    await model.refresh();
    return model;
  }

  async function see(model: ConsoleModel, from: number, to: number): Promise<void> {
    model.ensure(from, to);
    await vi.waitFor(() => expect(model.lineOf(to - 1)).not.toBeNull());
  }

  test('asks for what is in sight and nothing else', async () => {
    const model = await open(10_000_000);
    await see(model, 5_000_000, 5_000_030);
    expect(model.total).toBe(10_000_000);
    expect(model.lineOf(5_000_000)).toBe('line 5000001');
    expect(model.lineOf(0)).toBeNull();
    expect(server.asked).toHaveLength(2);
  });

  test('asks once for a window, however often it is looked at', async () => {
    const model = await open(1000);
    model.ensure(0, 30);
    await see(model, 0, 30);
    model.ensure(10, 40);
    expect(server.asked).toHaveLength(2);
  });

  test('shows what it has while the last window is read anew', async () => {
    const model = await open(10);
    await see(model, 0, 10);
    server.total = 20;
    const refreshing = model.refresh();
    expect(model.lineOf(9)).toBe('line 10');
    await refreshing;
    expect(model.lineOf(9)).toBe('line 10');
    await vi.waitFor(() => expect(model.lineOf(19)).toBe('line 20'));
  });

  test('reads nothing anew where nothing grew', async () => {
    const model = await open(10);
    await see(model, 0, 10);
    await model.refresh();
    expect(server.asked.filter((one) => one.includes('from_line'))).toHaveLength(1);
  });

  test('keeps a few windows, however far one scrolls', async () => {
    const model = await open(1_000_000);
    for (let window = 0; window < 60; window += 1) await see(model, window * WINDOW_LINES, window * WINDOW_LINES + 1);
    expect(model.lineOf(0)).toBeNull();
    expect(model.lineOf(59 * WINDOW_LINES)).not.toBeNull();
  });

  test('searches on the server, and nothing for no words', async () => {
    const model = await open(10);
    await model.search('loss');
    expect(model.matches?.matches).toEqual([{ line: 7, text: 'has loss' }]);
    await model.search('  ');
    expect(model.matches).toBeNull();
  });

  test('keeps the reason of a failure until it works again', async () => {
    const model = await open(10);
    vi.stubGlobal('fetch', () => Promise.resolve(Response.json({ error: { code: 'run.unknown', message: 'gone', fields: {} } }, { status: 404 })));
    await model.refresh();
    expect(model.error?.code).toBe('run.unknown');
    vi.stubGlobal('fetch', server.answer);
    await model.refresh();
    expect(model.error).toBeNull();
  });
});
