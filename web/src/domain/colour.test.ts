import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HUE_COUNT, slotColour, slotDash, slotLabel, slotProperty, SLOT_COUNT, tellApart } from './colour';

const look = (slot: number): string => `${slotProperty(slot)} ${slotDash(slot).join()}`;

describe('a slot', () => {
  test('looks like no other of the 24', () => {
    const looks = Array.from({ length: SLOT_COUNT }, (_, index) => look(index));
    expect(new Set(looks).size).toBe(SLOT_COUNT);
  });

  test('is drawn whole for the first eight, dashed for the next, then dotted', () => {
    expect([0, 7].map((slot) => slotDash(slot).length)).toEqual([0, 0]);
    expect([8, 15].map((slot) => slotLabel(slot).split(', ')[1])).toEqual(['dashed', 'dashed']);
    expect([16, 23].map((slot) => slotLabel(slot).split(', ')[1])).toEqual(['dotted', 'dotted']);
  });

  test('is a colour of the theme, not of its own', () => {
    expect(slotColour(0)).toBe('var(--run-1)');
    expect(slotColour(9)).toBe('var(--run-2)');
  });

  test('comes round after 24, and whatever number is given has one', () => {
    fc.assert(
      fc.property(fc.integer({ min: -1000, max: 100_000 }), (slot) => {
        expect(look(slot)).toBe(look(slot + SLOT_COUNT));
        expect(slotProperty(slot)).toMatch(/^--run-[1-8]$/);
      }),
    );
  });
});

describe('tellApart', () => {
  const hue = (slot: number): number => slot % HUE_COUNT;
  const slots = fc.array(fc.integer({ min: 0, max: 500 }), { maxLength: 40 });

  test('draws every run whole whose colour no other has, whatever its slot', () => {
    expect(tellApart([21, 8, 7]).map((slot) => [hue(slot), slotDash(slot)])).toEqual([
      [5, []],
      [0, []],
      [7, []],
    ]);
  });

  test('dashes the later slots of one colour, in the order of slots and not of the list', () => {
    expect(tellApart([17, 9, 1]).map((slot) => slotLabel(slot))).toEqual(['colour 2, dotted', 'colour 2, dashed', 'colour 2, solid']);
  });

  test('tells runs apart that were stored with one slot', () => {
    expect(tellApart([3, 3]).map((slot) => slotLabel(slot))).toEqual(['colour 4, solid', 'colour 4, dashed']);
  });

  test('never changes the colour of a stored slot', () => {
    fc.assert(
      fc.property(slots, (stored) => {
        expect(tellApart(stored).map(hue)).toEqual(stored.map(hue));
      }),
    );
  });

  test('makes no two alike while a colour has at most three runs', () => {
    fc.assert(
      fc.property(slots, (stored) => {
        const few = stored.slice(0, SLOT_COUNT).filter((slot, index) => stored.slice(0, index).filter((one) => hue(one) === hue(slot)).length < 3);
        expect(new Set(tellApart(few).map(look)).size).toBe(few.length);
      }),
    );
  });

  test('dashes none of so many that looks would come round', () => {
    expect(tellApart(Array.from({ length: 25 }, (_, slot) => slot)).every((slot) => slotDash(slot).length === 0)).toBe(true);
  });

  test('gives runs without a slot colours that nobody has', () => {
    expect(tellApart([null, 1, null]).map(hue)).toEqual([0, 1, 2]);
    expect(tellApart(Array.from({ length: 60 }, () => null))).toHaveLength(60);
  });
});
