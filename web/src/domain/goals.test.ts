import { expect, test } from 'vitest';
import { goalWords, isReached } from './goals';

test('a goal is reached from the side that is worse, at the value itself too', () => {
  expect([isReached(0.9, 0.95, 'max'), isReached(0.9, 0.9, 'max'), isReached(0.9, 0.85, 'max')]).toEqual([true, true, false]);
  expect([isReached(0.1, 0.05, 'min'), isReached(0.1, 0.2, 'min')]).toEqual([true, false]);
});

test('without a value, with NaN or without a direction nothing is reached', () => {
  expect([isReached(1, null, 'max'), isReached(1, NaN, 'max'), isReached(1, NaN, 'min'), isReached(1, 2, null)]).toEqual([false, false, false, false]);
});

test('words say what is asked for and how far it is', () => {
  expect(goalWords('val/acc', 0.95, 0.9, 'max')).toMatchObject({ text: 'goal 0.95', rule: 'val/acc ≥ 0.95', isReached: false, title: 'Goal: val/acc ≥ 0.95; 0.050 to go' });
  expect(goalWords('loss', 0.1, 0.05, 'min')).toMatchObject({ rule: 'loss ≤ 0.1', isReached: true, title: 'Goal reached: loss ≤ 0.1' });
  expect(goalWords('size', 3, null, null)).toMatchObject({ rule: 'size 3', title: 'Goal: size 3; nothing to compare it with yet' });
});
