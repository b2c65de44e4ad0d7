import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assignSlots, slotColour, slotDash, slotLabel, slotProperty, SLOT_COUNT } from './colour';

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

describe('assignSlots', () => {
  test('leaves a run its stored slot', () => {
    expect(assignSlots([5, 3, 7])).toEqual([5, 3, 7]);
  });

  test('gives the later of two runs with one slot the first that is free', () => {
    expect(assignSlots([1, 1, 2, 25])).toEqual([1, 0, 2, 3]);
  });

  test('gives runs without a slot those that nobody has', () => {
    expect(assignSlots([null, 1, null])).toEqual([0, 1, 2]);
  });

  test('gives up to 24 runs looks of their own', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.constant(null), fc.integer({ min: 0, max: 500 })), { maxLength: 24 }), (stored) => {
        const looks = assignSlots(stored).map(look);
        expect(new Set(looks).size).toBe(stored.length);
      }),
    );
  });

  test('shares slots beyond 24 runs', () => {
    const slots = assignSlots(Array.from({ length: 60 }, () => null));
    expect(slots).toHaveLength(60);
    expect(slots.every((slot) => slot >= 0 && slot < SLOT_COUNT)).toBe(true);
  });
});
