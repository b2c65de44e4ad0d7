// Tags as typed, what changed, and how many of them stand in a cell. Pure.

/** Read tags from a line: commas separate, blanks around do not count, none twice. */
export function parseTags(typed: string): string[] {
  return [...new Set(typed.split(/[,\n]/).map((tag) => tag.trim()).filter(Boolean))];
}

export function diffTags(before: readonly string[], after: readonly string[]): { add: string[]; remove: string[] } {
  return { add: after.filter((tag) => !before.includes(tag)), remove: before.filter((tag) => !after.includes(tag)) };
}

const [chipPadding, letterWidth, narrowWidth, wideWidth, chipMost, gap, restWidth] = [14, 6.6, 4, 9.5, 160, 5, 26];
const isIdeograph = (letter: string) => letter >= '\u2e80';
const letterOf = (letter: string) => ('fijlrtI.,:;|!\'()'.includes(letter) ? narrowWidth : 'mwMW@%'.includes(letter) ? wideWidth : isIdeograph(letter) ? 2 * letterWidth : letterWidth);
const wordWidth = (tag: string) => [...tag].reduce((sum, letter) => sum + letterOf(letter), 0);
/** About how wide a tag is, with the gap behind it: measuring each while rows fly by would cost a layout. */
const widthOf = (tag: string) => Math.min(chipPadding + wordWidth(tag), chipMost) + gap;

/** How many tags stand whole in so many CSS pixels, with room for the number of the others; at least one, which may be cut. */
export function countFitting(tags: readonly string[], width: number): number {
  let used = 0;
  for (const [index, tag] of tags.entries()) {
    used += widthOf(tag);
    const rest = index + 1 < tags.length ? restWidth : 0;
    if (used + rest > width + gap) return Math.max(index, 1);
  }
  return tags.length;
}

/** The width in which all of them stand. */
export const widthOfAll = (tags: readonly string[]): number => tags.reduce((sum, tag) => sum + widthOf(tag), 0);
