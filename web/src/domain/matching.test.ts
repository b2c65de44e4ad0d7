import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fitOf, rankByFit } from './matching';

const rank = (names: string[], typed: string) => rankByFit(names, typed, (name) => name);

describe('names by how they fit what is typed', () => {
  it('come exact first, then as prefix, at a word, anywhere', () => {
    expect(rank(['sidewalk-3', 'long-walk', 'walker', 'walk'], 'walk')).toEqual(['walk', 'walker', 'long-walk', 'sidewalk-3']);
  });

  it('fit in any case and with words in any order', () => {
    expect(fitOf('Walk', 'wALK')).toBe(0);
    expect(fitOf('Archive the selected runs', 'runs archive')).toBe(2);
    expect(fitOf('Archive the selected runs', 'selected mean')).toBeNull();
  });

  it('start a word after a slash, a dash, a blank and an underscore, in any script', () => {
    for (const name of ['val/acc', 'my-acc', 'my acc', 'my_acc']) expect(fitOf(name, 'acc')).toBe(2);
    expect(fitOf('straßenacc', 'acc')).toBe(3);
    expect(fitOf('sidewalk walk', 'walk')).toBe(2);
  });

  it('keep their order where they fit alike, and lose none', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ name: fc.string({ unit: fc.constantFrom('a', 'b', '-') }), id: fc.nat() })), fc.string({ unit: fc.constantFrom('a', 'b') }), (items, typed) => {
        const ranked = rankByFit(items, typed, (item) => item.name);
        const fit = (item: { name: string }) => fitOf(item.name, typed) ?? 4;
        expect(new Set(ranked)).toEqual(new Set(items));
        for (const [index, item] of ranked.slice(1).entries()) {
          const before = ranked[index];
          if (!before) throw new Error('a place is missing');
          expect(fit(before)).toBeLessThanOrEqual(fit(item));
          if (fit(before) === fit(item)) expect(items.indexOf(before)).toBeLessThan(items.indexOf(item));
        }
      }),
    );
  });
});
