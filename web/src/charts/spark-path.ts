/**
 * Paths of the small pictures: a sparkline's line with gaps, a staircase of best values so far. Pure: values in, SVG path
 * data out, in the box given, half a stroke kept free at every edge.
 */

export interface Box {
  readonly width: number;
  readonly height: number;
  /** Kept free at each edge, so that a stroke or a dot is not cut. */
  readonly inset: number;
}

export interface SparkPoint {
  readonly x: number;
  readonly y: number;
}

/** Path of a line through evenly spaced values; a value that is no finite number breaks it. */
export function sparkPath(values: readonly (number | null)[], box: Box): string {
  const [low, high] = extentOf(values);
  let path = '';
  let isDown = false;
  for (const [index, value] of values.entries()) {
    if (value === null || !Number.isFinite(value)) {
      isDown = false;
      continue;
    }
    const x = placeX(index, values.length, box);
    const y = placeY(value, low, high, box);
    // A point between two gaps is a line of no length: a round cap makes it a dot.
    path += isDown ? `L${round(x)} ${round(y)}` : `M${round(x)} ${round(y)}h0`;
    isDown = true;
  }
  return path;
}

/** Where the last finite value stands; null where there is none. */
export function sparkEnd(values: readonly (number | null)[], box: Box): SparkPoint | null {
  const [low, high] = extentOf(values);
  for (let index = values.length - 1; index >= 0; index -= 1) {
    const value = values[index] ?? null;
    if (value !== null && Number.isFinite(value)) {
      return { x: round(placeX(index, values.length, box)), y: round(placeY(value, low, high, box)) };
    }
  }
  return null;
}

/** Path of best values so far: level, then a step where a run beat the best; `span` runs in all. */
export function stairPath(steps: readonly (readonly [number, number])[], span: number, box: Box): string {
  const points = stairPoints(steps, span, box);
  const [first, ...rest] = points;
  if (first === undefined) return '';
  let path = `M${first.x} ${first.y}`;
  for (const point of rest) path += `H${point.x}V${point.y}`;
  return `${path}H${round(box.width - box.inset)}`;
}

/** Where a staircase ends: at the right edge, at its last value. */
export function stairEnd(steps: readonly (readonly [number, number])[], span: number, box: Box): SparkPoint | null {
  const last = stairPoints(steps, span, box).at(-1);
  return last === undefined ? null : { x: round(box.width - box.inset), y: last.y };
}

function stairPoints(steps: readonly (readonly [number, number])[], span: number, box: Box): SparkPoint[] {
  const finite = steps.filter(([, value]) => Number.isFinite(value));
  const [low, high] = extentOf(finite.map(([, value]) => value));
  return finite.map(([index, value]) => ({
    x: round(placeX(index, Math.max(span, index + 1), box)),
    y: round(placeY(value, low, high, box)),
  }));
}

function extentOf(values: readonly (number | null)[]): readonly [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value === null || !Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return [low, high];
}

function placeX(index: number, count: number, box: Box): number {
  const room = box.width - 2 * box.inset;
  return count <= 1 ? box.inset + room : box.inset + (room * index) / (count - 1);
}

function placeY(value: number, low: number, high: number, box: Box): number {
  const room = box.height - 2 * box.inset;
  // Halves, as the span of two great values of different sign is not finite; that of the least there are is then 0.
  const span = high / 2 - low / 2;
  const part = span > 0 ? (value / 2 - low / 2) / span : 0.5;
  return box.inset + room * (1 - part);
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
