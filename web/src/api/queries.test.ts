import { expect, test } from 'vitest';
import { beginNewsAt, clearCache, prefetch } from './queries.svelte';

/** A question whose answers are given by hand; counts how often it was asked. */
function question(key: string) {
  const answers: ((value: { watermark: number }) => void)[] = [];
  const read = () => new Promise<{ watermark: number }>((resolve) => answers.push(resolve));
  return { ask: { key, read }, answers };
}

test.each([
  [4, 2],
  [7, 1],
])('an answer of watermark %i that comes after the news began at 7 makes %i questions', async (watermark, count) => {
  clearCache();
  const { ask, answers } = question(`projects?${watermark}`);
  prefetch(ask);
  expect(beginNewsAt(7)).toBe(false);
  answers[0]?.({ watermark });
  await new Promise(requestAnimationFrame);
  prefetch(ask);
  expect(answers).toHaveLength(count);
});

test('an answer that is kept from before the news began is told of', async () => {
  clearCache();
  const { ask, answers } = question('projects');
  prefetch(ask);
  answers[0]?.({ watermark: 8 });
  await new Promise(requestAnimationFrame);
  expect([beginNewsAt(8), beginNewsAt(9)]).toEqual([false, true]);
});
