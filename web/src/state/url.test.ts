import { afterEach, expect, test } from 'vitest';
import { choice, text } from './codec';
import { keepText, navigate, readKept, startUrl, UrlValues } from './url.svelte';

const stop = startUrl();
afterEach(() => navigate('/'));

test('a page keeps its values while the address is another page’s already', () => {
  navigate('/n/p/runs?f=state&sort=name');
  const values = new UrlValues({ f: text(), sort: choice(['-created', 'name'], '-created') });
  expect(values.now).toEqual({ f: 'state', sort: 'name' });
  navigate('/n/p/runs?sort=name');
  expect(values.now).toEqual({ f: '', sort: 'name' });
  navigate('/n/p/compare?f=other');
  expect(values.now).toEqual({ f: '', sort: 'name' });
});

test('what is kept under a step of the history is found on the way back and nowhere else', () => {
  navigate('/a');
  keepText('cursor', '3 run');
  expect(readKept('cursor')).toBe('3 run');
  navigate('/b');
  expect(readKept('cursor')).toBe('');
  stop();
});
