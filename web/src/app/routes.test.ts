import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FakeServer } from '@/api/fixtures/server';
import { clearCache } from '@/api/queries.svelte';
import { navigate, startUrl } from '@/state/url.svelte';
import { askAhead, parsePath } from './routes';
import { comparePath, projectPath, runPath, scopeKey, scopeOf } from '@/domain/paths';

const name = fc.string({ minLength: 1 }).filter((text) => !/^\.{1,2}$/.test(text) && !['r', 'v', 'settings', 'compare'].includes(text) && text.isWellFormed());

test('every address of a project leads back to it', () => {
  fc.assert(fc.property(name, name, fc.option(name), fc.constantFrom('runs' as const, 'compare' as const), (namespace, project, experiment, page) => {
    const place = parsePath(projectPath({ namespace, project, experiment }, page));
    expect(place.page).toBe(page);
    expect(scopeOf(place)).toEqual({ namespace, project, experiment });
  }));
});

test('a run has one address whatever project it is in', () => {
  expect(parsePath(runPath('01a2'))).toMatchObject({ page: 'run', run: '01a2', project: null });
});

test('runs to compare stand in the address, inside a project or without one', () => {
  expect(comparePath(['a', 'b'])).toBe('/compare?runs=a,b');
  expect(comparePath([], { namespace: 'n', project: 'p' })).toBe('/n/p/compare');
});

test('an experiment is a scope of its own', () => {
  expect(scopeKey({ namespace: 'n', project: 'p', experiment: 'e' })).not.toBe(scopeKey({ namespace: 'n', project: 'p' }));
});

test.each([
  ['/', 'projects'], ['/settings', 'settings'], ['/settings/kit', 'kit'], ['/settings/else', 'missing'], ['/compare', 'compare'], ['/ns', 'missing'], ['/ns/p', 'runs'],
  ['/ns/p/runs', 'runs'], ['/ns/p/e/x/compare', 'compare'], ['/ns/p/nowhere', 'missing'], ['/r/abc', 'run'], ['/r/abc/more', 'missing'], ['/v/4e1f', 'link'], ['/%E0%A4%A/p', 'runs'],
])('%s is the page %s', (path, page) => {
  expect(parsePath(path).page).toBe(page);
});

test('what a page shows first is asked for as one goes there, once, and not for a change of the same page', async () => {
  clearCache();
  const server = new FakeServer().start();
  const stops = [startUrl(), await askAhead(), () => server.stop(), () => history.replaceState(null, '', '/')];
  navigate('/n/p/compare?runs=a,b');
  navigate('/n/p/compare?runs=a,b,c', { replace: true });
  navigate('/r/b');
  navigate('/n/p/runs');
  expect(server.asked.map(({ path, query }) => `${path} ${query.get('runs') ?? ''}`.trim())).toEqual(['/compare a,b', '/runs/a', '/runs/b']);
  for (const stop of stops) stop();
});
