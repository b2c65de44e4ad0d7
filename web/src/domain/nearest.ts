/**
 * Finding points: the bucket nearest to an x, the last filled bucket at or before it, the value of a line between two.
 * Pure and on plain columns, so that hovering 100 lines costs a fraction of a millisecond.
 */

/** Index of the x nearest to `target` in sorted `xs`; -1 where there are none. Ties go to the earlier one. */
export function nearestIndex(xs: ArrayLike<number>, target: number): number {
  const after = firstAtOrAfter(xs, target);
  if (xs.length === 0) return -1;
  if (after === 0) return 0;
  if (after === xs.length) return xs.length - 1;
  return target - at(xs, after - 1) <= at(xs, after) - target ? after - 1 : after;
}

/** Index of the first x that is at least `target` in sorted `xs`; their number where none is. */
export function firstAtOrAfter(xs: ArrayLike<number>, target: number): number {
  let low = 0;
  let high = xs.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (at(xs, middle) < target) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** For each index, the last one at or before it where `isFilled`; -1 where none is. */
export function lastFilled(n: number, isFilled: (index: number) => boolean): Int32Array {
  const found = new Int32Array(n);
  let last = -1;
  for (let index = 0; index < n; index += 1) {
    if (isFilled(index)) last = index;
    found[index] = last;
  }
  return found;
}

/** For each index, the first one at or after it where `isFilled`; -1 where none is. */
export function nextFilled(n: number, isFilled: (index: number) => boolean): Int32Array {
  const found = new Int32Array(n);
  let next = -1;
  for (let index = n - 1; index >= 0; index -= 1) {
    if (isFilled(index)) next = index;
    found[index] = next;
  }
  return found;
}

/** The y of the straight line through two points at x. */
export function interpolate(x0: number, y0: number, x1: number, y1: number, x: number): number {
  return x1 === x0 ? y1 : y0 + ((y1 - y0) * (x - x0)) / (x1 - x0);
}

/** The key whose distance is least and at most `limit`; null where none is. NaN is infinitely far. */
export function nearestWithin<K>(distances: Iterable<readonly [K, number]>, limit: number): K | null {
  let best: K | null = null;
  let least = limit;
  for (const [key, distance] of distances) {
    if (distance <= least) {
      best = key;
      least = distance;
    }
  }
  return best;
}

/** The value at a fraction of sorted values, between two where it falls between; NaN for none. */
export function quantile(sorted: ArrayLike<number>, fraction: number): number {
  if (sorted.length === 0) return Number.NaN;
  const place = Math.min(Math.max(fraction, 0), 1) * (sorted.length - 1);
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return interpolate(below, at(sorted, below), above, at(sorted, above), place);
}

function at(xs: ArrayLike<number>, index: number): number {
  return xs[index] ?? Number.NaN;
}
