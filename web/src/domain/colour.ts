/**
 * A run's slot: colour and dash. The slot is stored with the run, so a run looks the same on every page; slots past 24
 * come round again. Colours are names of CSS properties, so that a theme changes them without asking anybody.
 */

export const HUE_COUNT = 8;
export const SLOT_COUNT = 24;

const DASHES: readonly (readonly number[])[] = [[], [7, 3], [1.5, 3]];
/** How a baseline is drawn, whatever its slot. */
export const BASELINE_DASH: readonly number[] = [4, 3];

/** The CSS property that holds the colour of a slot (0 to 23, further ones come round). */
export function slotProperty(slot: number): string {
  return `--run-${(wrapSlot(slot) % HUE_COUNT) + 1}`;
}

/** The colour of a slot, for use in CSS. */
export function slotColour(slot: number): string {
  return `var(${slotProperty(slot)})`;
}

/** The dash of a slot in CSS pixels; empty = a whole line. */
export function slotDash(slot: number): readonly number[] {
  return DASHES[Math.floor(wrapSlot(slot) / HUE_COUNT)] ?? [];
}

/** How a slot is named to someone who does not see it. */
export function slotLabel(slot: number): string {
  const pattern = ['solid', 'dashed', 'dotted'][Math.floor(wrapSlot(slot) / HUE_COUNT)] ?? 'solid';
  return `colour ${(wrapSlot(slot) % HUE_COUNT) + 1}, ${pattern}`;
}

/**
 * Give each run a slot of its own for one picture: its stored one where it has one that is free, else the first free one.
 * Runs that were stored with the same slot would be one colour otherwise. Beyond 24 runs, slots are shared.
 */
export function assignSlots(stored: readonly (number | null)[]): number[] {
  const taken = new Set<number>();
  const slots = stored.map((slot) => {
    if (slot === null) return null;
    const own = wrapSlot(slot);
    if (taken.has(own)) return null;
    taken.add(own);
    return own;
  });
  let next = 0;
  return slots.map((slot) => {
    if (slot !== null) return slot;
    while (next < SLOT_COUNT && taken.has(next)) next += 1;
    const own = next;
    next += 1;
    return own % SLOT_COUNT;
  });
}

function wrapSlot(slot: number): number {
  const whole = Math.trunc(slot);
  return ((whole % SLOT_COUNT) + SLOT_COUNT) % SLOT_COUNT;
}
