// How well a name fits what is typed. Exact before prefix before the start of a word before anywhere: who types a whole
// name means what has it, not a longer one that was seen later. Pure; words in any order, in any case.

/** How a name fits: exactly, as a prefix, at starts of words, anywhere. */
export type Fit = 0 | 1 | 2 | 3;
const exact: Fit = 0;
const prefix: Fit = 1;
const wordStart: Fit = 2;
const contained: Fit = 3;

export const wordsOf = (typed: string): string[] => typed.toLowerCase().split(/\s+/).filter(Boolean);

/** Tell how `name` fits the words of `typed`; null where one of them does not stand in it. */
export function fitOf(name: string, typed: string): Fit | null {
  const words = wordsOf(typed);
  const text = name.toLowerCase();
  if (!words.every((word) => text.includes(word))) return null;
  const whole = words.join(' ');
  if (text === whole) return exact;
  if (text.startsWith(whole)) return prefix;
  return words.every((word) => startsWord(text, word)) ? wordStart : contained;
}

/** Order by fit, equal ones as they came; what does not fit by its name was found by something else and comes last. */
export function rankByFit<T>(items: readonly T[], typed: string, nameOf: (item: T) => string): T[] {
  const places = items.map((item) => ({ item, fit: fitOf(nameOf(item), typed) ?? contained + 1 }));
  return places.toSorted((a, b) => a.fit - b.fit).map(({ item }) => item);
}

/** Whether some occurrence of `word` follows the start or what is neither letter nor digit: `sidewalk-3` has no `walk`. */
function startsWord(text: string, word: string): boolean {
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
    if (at === 0 || !/[\p{L}\p{N}]$/u.test(text.slice(0, at))) return true;
  }
  return false;
}
