import { expect, test } from 'vitest';
import { firstLines } from './first-lines';

const own = { project: 'news', namespace: 'local', ownNamespace: 'local', root: null };

test('names the project alone where a script would record to this place by itself', () => {
  expect(firstLines(own)).toContain('eb.init(project="news", params=');
});

test('names experiment, namespace and store where a script would record elsewhere', () => {
  const lines = firstLines({ ...own, experiment: 'heads', namespace: 'team', root: '/data/my "runs"' });
  const named = ['eb.init(', 'project="news",', 'experiment="heads",', 'namespace="team",', String.raw`root="/data/my \"runs\"",`, 'params='];
  expect(named.map((part) => lines.indexOf(part)).every((at, index, all) => at > (all[index - 1] ?? 0))).toBe(true);
});
