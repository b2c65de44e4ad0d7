/** Names that must fit: cut in the middle, as both ends of a run's name or a metric's path tell it from others. */

import { splitName } from './ids';

/** Cut `text` to at most `most` characters by taking out its middle. */
export function truncateMiddle(text: string, most: number): string {
  const characters = [...text];
  if (characters.length <= most) return text;
  if (most <= 1) return '…'.slice(0, Math.max(0, most));
  const tail = Math.floor((most - 1) / 2);
  const head = most - 1 - tail;
  return `${characters.slice(0, head).join('')}…${tail === 0 ? '' : characters.slice(-tail).join('')}`;
}

/** The part of a metric's or parameter's name before its last slash, `''` where there is none. */
export function prefixOf(name: string): string {
  const cut = name.indexOf('/');
  return cut <= 0 ? '' : name.slice(0, cut);
}

/** The shortest ends of names that still tell them apart, for the heads of narrow columns. */
export function shortNames(names: readonly string[]): string[] {
  const ends = names.map((name) => splitName(name)[1].slice(1) || truncateMiddle(name, 8));
  return ends.map((end, index) =>
    ends.some((other, at) => at !== index && other === end) ? truncateMiddle(names[index] ?? end, 12) : end,
  );
}
