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
 * How the runs of one picture are drawn so that no two look alike: each keeps the colour of its slot, the same as on every
 * page, and takes a dash only where another run of that colour is in the picture. Of those the one with the lowest slot is
 * drawn whole, the next is dashed, the next dotted; runs without a slot take colours that nobody has. Beyond three of a
 * colour looks come round, and beyond 24 runs none is dashed: it would tell nothing apart and blur what there is to see.
 */
export function tellApart(stored: readonly (number | null)[]): number[] {
  const hues = giveHues(stored);
  if (stored.length > SLOT_COUNT) return hues;
  const order = stored.map((slot, index) => ({ slot: slot === null ? Infinity : wrapSlot(slot), index }));
  order.sort((a, b) => a.slot - b.slot || a.index - b.index);
  const seen = new Map<number, number>();
  const looks = new Array<number>(stored.length).fill(0);
  for (const { index } of order) {
    const hue = hues[index] ?? 0;
    const nth = seen.get(hue) ?? 0;
    seen.set(hue, nth + 1);
    looks[index] = hue + HUE_COUNT * (nth % DASHES.length);
  }
  return looks;
}

function giveHues(stored: readonly (number | null)[]): number[] {
  const own = stored.map((slot) => (slot === null ? null : wrapSlot(slot) % HUE_COUNT));
  const taken = new Set(own);
  let next = 0;
  return own.map((hue) => {
    if (hue !== null) return hue;
    while (next < HUE_COUNT && taken.has(next)) next += 1;
    return next++ % HUE_COUNT;
  });
}

function wrapSlot(slot: number): number {
  const whole = Math.trunc(slot);
  return ((whole % SLOT_COUNT) + SLOT_COUNT) % SLOT_COUNT;
}
