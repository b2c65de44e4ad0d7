import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { navigate, startUrl, url } from '@/state/url.svelte';
import { FakeServer, refusal } from './fixtures/server';
import { addressMost, linkToHere, startLinks } from './links.svelte';

const longAddress = `/n/p/compare?runs=${'a'.repeat(addressMost)}`;
let server: FakeServer;
let stops: (() => void)[];

beforeEach(() => {
  server = new FakeServer().on('/links', () => ({ hash: '4e1f', address: longAddress })).start();
  history.replaceState(null, '', '/');
  stops = [startUrl(), startLinks()];
});
afterEach(() => {
  for (const stop of stops) stop();
  history.replaceState(null, '', '/');
  server.stop();
});

test('a long address is shown as a short link, and pages still read the whole of it', async () => {
  navigate(longAddress);
  expect(url.href).toBe(longAddress);
  await vi.waitFor(() => expect(location.pathname).toBe('/v/4e1f'));
  expect(url.href).toBe(longAddress);
});

test('going back to a short link finds the whole address without asking the server', async () => {
  navigate(longAddress);
  await vi.waitFor(() => expect(location.pathname).toBe('/v/4e1f'));
  navigate('/elsewhere');
  history.back();
  await vi.waitFor(() => expect(url.href).toBe(longAddress));
  expect(server.asked.map(({ path }) => path)).toEqual(['/links']);
});

test('a change under a short link is a change of the whole address', async () => {
  navigate(longAddress);
  await vi.waitFor(() => expect(location.pathname).toBe('/v/4e1f'));
  navigate('/n/p/compare?runs=b', { replace: true });
  expect([location.pathname, location.search, url.href]).toEqual(['/n/p/compare', '?runs=b', '/n/p/compare?runs=b']);
});

test('a link that is copied is short where it must be, and the address itself elsewhere', async () => {
  navigate('/n/p/runs?f=1');
  expect(await linkToHere()).toBe(`${location.origin}/n/p/runs?f=1`);
  navigate(longAddress);
  expect(await linkToHere()).toBe(`${location.origin}/v/4e1f`);
});

test('where the server keeps no link the long address stays, and works', async () => {
  server.on('/links', () => refusal(503, 'workspace.unreachable', 'the disk is full.'));
  navigate(longAddress);
  await vi.waitFor(() => expect(server.asked).toHaveLength(1));
  expect(location.pathname + location.search).toBe(longAddress);
});
