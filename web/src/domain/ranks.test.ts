import fc from 'fast-check';
import { expect, test } from 'vitest';
import { listSources, nameSource, parseSource, printSource, REDUCTIONS } from './ranks';

test('whose points are looked at survives the address', () => {
  const source = fc.oneof(fc.constant(null), fc.constantFrom(...REDUCTIONS), fc.nat({ max: 999_999_999 }));
  fc.assert(
    fc.property(source, (one) => {
      expect(parseSource(printSource(one))).toBe(one);
    }),
  );
});

test('what is no rank and no reduction means the run as it is', () => {
  expect(['', '-1', '1.5', 'median', '99999999999'].map(parseSource)).toEqual([null, null, null, null, null]);
});

test('one rank leaves nothing to choose; several can be seen each, or as one line', () => {
  expect(listSources([0])).toEqual([]);
  expect(listSources([0, 3]).map(nameSource)).toEqual(['First rank', 'Mean of ranks', 'Least of ranks', 'Greatest of ranks', 'Rank 0', 'Rank 3']);
});
