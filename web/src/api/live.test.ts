import { expect, test } from 'vitest';
import { isTouched, paceOf } from './live.svelte';
import type { ChangedEvent } from './types';

const id = '0123456789abcdef0123456789abcdef';
const event: ChangedEvent = { watermark: 1, runs: [id], projects: [['n', 'p']] };

test('news of one project leaves what is said of another', () => {
  expect(isTouched('best?ns=n&project=p&limit=5', event)).toBe(true);
  expect(isTouched('columnscolumns?ns=n&project=other', event)).toBe(false);
  expect(isTouched('facet?key=state', event)).toBe(true);
  expect(isTouched('facet?ns=n&project=other', { ...event, runs: 'many' })).toBe(true);
});

test('what is over all runs of a project is asked again less often than a run', () => {
  expect([paceOf(`run/${id}`), paceOf(`compare?runs=${id}`)]).toEqual([0, 0]);
  expect(paceOf('best?ns=n')).toBeGreaterThan(0);
  expect(paceOf('projects?since=1')).toBeGreaterThan(paceOf('best?ns=n'));
});
