import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ApiError, getJson, onSignedOut, queryString, sendJson, toApiError } from './client';
import { FakeServer, refusal } from './fixtures/server';
import { isTouched } from './live.svelte';

let server: FakeServer;
beforeEach(() => (server = new FakeServer().start()));
afterEach(() => server.stop());

const failureOf = async (asked: Promise<unknown>): Promise<ApiError> => {
  const cause: unknown = await asked.then(() => null, (error: unknown) => error);
  if (cause instanceof ApiError) return cause;
  throw new Error('it did not fail');
};

test('a query leaves out what says nothing', () => {
  expect(queryString({ a: '', b: null, c: undefined, d: false, e: [], f: 0, g: true, h: ['x', 'y'] })).toBe('?f=0&g=1&h=x%2Cy');
  expect(queryString({})).toBe('');
});

test('an edit goes out in JSON, and its answer is read', async () => {
  server.on('/runs/a', ({ body }) => ({ got: body }));
  expect(await sendJson('PATCH', '/runs/a', { edits: [] })).toEqual({ got: { edits: [] } });
  expect(server.asked[0]?.method).toBe('PATCH');
});

describe('a refusal', () => {
  test('keeps the code and the sentence of the server', async () => {
    server.on('/runs', () => refusal(400, 'filter.syntax', 'behind `>` comes a value.'));
    expect(await failureOf(getJson('/runs'))).toMatchObject({ code: 'filter.syntax', message: 'behind `>` comes a value.', status: 400, isRetryable: false });
  });

  test('without the one shape still names what was asked', async () => {
    server.on('/runs', () => new Response('<html>', { status: 502 }));
    expect(await failureOf(getJson('/runs'))).toMatchObject({ code: 'client.not_json', isRetryable: true });
  });

  test('for want of a cookie is told once to who listens', async () => {
    let told = 0;
    onSignedOut(() => (told += 1));
    server.on('/session', () => refusal(401, 'auth.missing', 'no cookie'));
    await failureOf(getJson('/session'));
    expect(told).toBe(1);
  });
});

test('a server that is gone is named, and that asking again can help', async () => {
  server.on('/runs', () => {
    throw new TypeError('network');
  });
  expect(await failureOf(getJson('/runs'))).toMatchObject({ code: 'client.unreachable', isRetryable: true });
});

test('a question taken back is no failure', () => {
  expect(toApiError(new DOMException('gone', 'AbortError'))).toBeNull();
  expect(toApiError(new Error('odd'))).toMatchObject({ message: 'odd' });
});

test('news touches the runs it names and the lists that count them', () => {
  const id = '0123456789abcdef0123456789abcdef';
  const event = { watermark: 1, runs: [id], projects: [] };
  expect([`run/${id}?x`, `run/${id.replace('0', 'f')}`, 'projects', 'best?ns=a', 'views?ns=a'].map((key) => isTouched(key, event))).toEqual([true, false, true, true, false]);
  expect(isTouched(`run/${id.replace('0', 'f')}`, { ...event, runs: 'many' })).toBe(true);
});
