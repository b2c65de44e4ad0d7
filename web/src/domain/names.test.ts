import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { prefixOf, shortNames, truncateMiddle } from './names';

describe('truncateMiddle', () => {
  test('keeps both ends', () => {
    expect(truncateMiddle('validation/accuracy/top1', 11)).toBe('valid…/top1');
    expect(truncateMiddle('short', 10)).toBe('short');
    expect([truncateMiddle('long', 1), truncateMiddle('long', 0), truncateMiddle('long', 2)]).toEqual(['…', '', 'l…']);
  });

  test('never exceeds what it may and never cuts a character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 20 }), (text, most) => {
        const cut = truncateMiddle(text, most);
        expect([...cut].length).toBeLessThanOrEqual(most);
        expect(() => encodeURIComponent(cut)).not.toThrow();
      }),
    );
  });
});

test('prefixOf is what stands before the first slash', () => {
  expect(['train/loss', 'loss', '/loss', 'a/b/c'].map(prefixOf)).toEqual(['train', '', '', 'a']);
});

test('shortNames are ends that tell runs apart', () => {
  expect(shortNames(['amber-heron-7c1e', 'still-fjord-a04b', 'base'])).toEqual(['7c1e', 'a04b', 'base']);
  expect(shortNames(['amber-heron-7c1e', 'still-fjord-7c1e'])).toEqual(['amber-…-7c1e', 'still-…-7c1e']);
});
