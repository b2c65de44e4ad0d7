/**
 * The range of an axis around its data, and its ticks with their words. Pure. A range is never empty: one value has room
 * about it. Log ranges stay positive; a symlog axis is linear within a threshold that follows from its data.
 */
import { formatDurationTick, formatStep, formatTick, formatWallReadout, formatWallTick, localOffsetS } from '@/domain/axis-format';
import type { Axis } from '@/domain/frame';
import { formatNumber } from '@/domain/numbers';
import { durationTicks, linearTicks, logTicks, niceStep, stepTicks, symlog, symlogInverse, symlogTicks, wallTicks, type Scale } from '@/domain/ticks';

export type Range = readonly [number, number];

const PADDING = 0.06;
const EDGE = 0.02;
const TICKS_LEAST = 3;
/** Values that differ by less, as a share of their size, differ by rounding. */
const ROUNDING = 1e-12;

/** The range of y that gives its data a little air. */
export function padRange(low: number, high: number, scale: Scale): Range {
  if (!(low <= high)) return scale === 'log' ? [0.1, 1] : [0, 1];
  if (scale === 'log') return hold(low, high, padBy(Math.log10(Math.max(low, Number.MIN_VALUE)), Math.log10(Math.max(high, Number.MIN_VALUE)), (value) => 10 ** value));
  if (scale === 'symlog') {
    const threshold = symlogThreshold(low, high);
    return hold(low, high, padBy(symlog(low, threshold), symlog(high, threshold), (value) => symlogInverse(value, threshold)));
  }
  if (high - low <= ROUNDING * Math.max(Math.abs(low), Math.abs(high))) return low === 0 ? [-1, 1] : [low - Math.abs(low) * 0.1, high + Math.abs(high) * 0.1];
  return padBy(low, high, (value) => value);
}

/** The way to another scale and back rounds; the range holds its data all the same. */
function hold(low: number, high: number, [from, to]: Range): Range {
  return [Math.min(from, low), Math.max(to, high)];
}

function padBy(low: number, high: number, back: (value: number) => number): Range {
  const air = low === high ? 0.3 : (high - low) * PADDING;
  return [back(low - air), back(high + air)];
}

/** The range of x: to the round number just beyond its ends, as x are the middles of buckets; one x has room about it. */
export function widenRange(low: number, high: number): Range {
  if (!(high > low)) return [low - 0.5, low + 0.5];
  const step = niceStep(high - low, 5);
  const reach = (high - low) * EDGE;
  const [floor, ceil] = [Math.floor(low / step) * step, Math.ceil(high / step) * step];
  return [low - floor <= reach ? floor : low, ceil - high <= reach ? ceil : high];
}

/** Up to where a symlog axis is linear: a thousandth of its greatest value. */
export function symlogThreshold(low: number, high: number): number {
  const size = Math.max(Math.abs(low), Math.abs(high));
  return size > 0 && Number.isFinite(size) ? 10 ** (Math.floor(Math.log10(size)) - 3) : 1;
}

/** Ticks of y and their words. */
export function yTicks([low, high]: Range, scale: Scale, count: number): { ticks: number[]; words: string[] } {
  const ticks = pickTicks((wanted) => yTickValues(low, high, scale, wanted), count);
  const step = smallestStep(ticks);
  const isSpread = scale !== 'linear' && high / Math.max(low, Number.MIN_VALUE) > 10;
  return { ticks, words: ticks.map((tick) => formatTick(tick, isSpread ? Math.abs(tick) : step)) };
}

/** One tick tells nothing of a scale: closer ones are tried where too few fit. */
function pickTicks(find: (count: number) => number[], count: number): number[] {
  let most: number[] = [];
  for (let wanted = count; wanted < count + 4 && most.length < TICKS_LEAST; wanted += 1) {
    const ticks = find(wanted);
    if (ticks.length > most.length) most = ticks;
  }
  return most;
}

function yTickValues(low: number, high: number, scale: Scale, count: number): number[] {
  if (scale === 'log') return logTicks(low, high, count);
  if (scale === 'symlog') return symlogTicks(low, high, count, symlogThreshold(low, high));
  return linearTicks(low, high, count);
}

/** Ticks of x and their words; x in steps or seconds. */
export function xTicks([low, high]: Range, axis: Axis, count: number): { ticks: number[]; words: string[] } {
  if (axis === 'relative') {
    const ticks = durationTicks(low, high, count);
    return { ticks, words: ticks.map(formatDurationTick) };
  }
  if (axis === 'time') {
    const ticks = wallTicks(low, high, count, localOffsetS(low));
    const step = smallestStep(ticks);
    return { ticks, words: ticks.map((tick) => formatWallTick(tick, step)) };
  }
  const ticks = axis === 'metric' ? linearTicks(low, high, count) : stepTicks(low, high, count);
  const step = smallestStep(ticks);
  return { ticks, words: ticks.map((tick) => formatTick(tick, step)) };
}

/** x as a readout says it: `step 61.2k`, `1h 30m in`, `24 Nov 14:03:09`; of a metric with its name. */
export function describeX(x: number, axis: Axis, xMetric = ''): string {
  if (axis === 'step') return `step ${formatStep(x)}`;
  if (axis === 'metric') return `${xMetric} ${Math.abs(x) >= 10_000 ? formatStep(Math.round(x)) : formatNumber(x)}`.trimStart();
  return axis === 'relative' ? `${formatDurationTick(x)} in` : formatWallReadout(x);
}

function smallestStep(ticks: readonly number[]): number {
  let least = Infinity;
  for (let index = 1; index < ticks.length; index += 1) least = Math.min(least, (ticks[index] ?? 0) - (ticks[index - 1] ?? 0));
  return Number.isFinite(least) ? least : Math.abs(ticks[0] ?? 0) / 10;
}
