// Groups and their members as one list of lines: each group is a line, an open one is followed by its members. Pure.

export interface GroupPart {
  /** Members that stand under the group now; 0 where it is folded. */
  members: number;
}

export type LinePlace = { kind: 'group'; group: number } | { kind: 'member'; group: number; at: number };

/** The line of each group, and behind them how many lines there are. */
export function startsOf(parts: readonly GroupPart[]): number[] {
  const starts = [0];
  for (const part of parts) starts.push((starts.at(-1) ?? 0) + 1 + part.members);
  return starts;
}

/** What stands on a line; null where there is none. */
export function placeOf(starts: readonly number[], line: number): LinePlace | null {
  const end = starts.at(-1) ?? 0;
  if (line < 0 || line >= end) return null;
  let [low, high] = [0, starts.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((starts[middle] ?? 0) <= line) low = middle;
    else high = middle;
  }
  const at = line - (starts[low] ?? 0) - 1;
  return at < 0 ? { kind: 'group', group: low } : { kind: 'member', group: low, at };
}

/** Of each group the members between two lines, first and last; groups without any are left out. */
export function membersBetween(starts: readonly number[], first: number, last: number): { group: number; from: number; to: number }[] {
  const found = [];
  for (let group = 0; group + 1 < starts.length; group += 1) {
    const start = starts[group] ?? 0;
    const count = (starts[group + 1] ?? 0) - start - 1;
    const from = Math.max(first - start - 1, 0);
    const to = Math.min(last - start - 1, count - 1);
    if (from <= to) found.push({ group, from, to });
  }
  return found;
}
