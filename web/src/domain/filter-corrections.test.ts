import { expect, test } from 'vitest';
import { correctionsOf } from './filter-corrections';

const fields = { text: 'tag = "😀" and acc > 1', column: 15, length: 3, suggestions: ['metrics.val/acc', 'metrics.train/acc'] };

test('a refusal that says what would fit is corrected in its place, whatever stands before it', () => {
  expect(correctionsOf(fields)).toEqual([
    { fit: 'metrics.val/acc', text: 'tag = "😀" and metrics.val/acc > 1' },
    { fit: 'metrics.train/acc', text: 'tag = "😀" and metrics.train/acc > 1' },
  ]);
});

test('one that does not is left as it is', () => {
  expect([correctionsOf({}), correctionsOf({ ...fields, suggestions: [] }), correctionsOf({ ...fields, column: '15' })]).toEqual([[], [], []]);
});
