/**
 * Where an axis has its ticks: linear, log, symlog and time. Pure; in the units of the axis. Steps are 1, 2 or 5 times a
 * power of ten, of time those that clocks have. Left out: how a tick is written (`numbers.ts`, `times.ts`).
 */

export type Scale = 'linear' | 'log' | 'symlog';

/** At least so many candidates are tried, at most so many ticks returned, whatever is asked for. */
const TICKS_MAX = 200;

/** The step of 1, 2 or 5 times a power of ten that cuts `span` into at most `count` parts; 0 for no span. */
export function niceStep(span: number, count: number): number {
  if (!(span > 0) || !Number.isFinite(span) || count < 1) return 0;
  const rough = span / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  for (const factor of [1, 2, 5, 10]) if (factor * power >= rough * (1 - 1e-12)) return factor * power;
  return 10 * power;
}

/** Ticks within [low, high], ascending; about `count` of them. Empty where there is no range. */
export function linearTicks(low: number, high: number, count: number): number[] {
  const step = niceStep(high - low, count);
  if (step === 0) return Number.isFinite(low) && low === high ? [low] : [];
  return multiplesWithin(low, high, step);
}

/** Ticks at whole steps; never a fraction, as there is no step 0.5. */
export function stepTicks(low: number, high: number, count: number): number[] {
  const step = Math.max(1, niceStep(high - low, count));
  return Number.isFinite(low) && Number.isFinite(high) && low <= high ? multiplesWithin(low, high, step) : [];
}

/** Ticks of a log axis: powers of ten, with 2 and 5 between where there is room, linear where it spans less than one. */
export function logTicks(low: number, high: number, count: number): number[] {
  if (!(low > 0) || !(high > low) || !Number.isFinite(high)) return low > 0 && low === high ? [low] : [];
  const decades = Math.log10(high) - Math.log10(low);
  if (decades < 1) return linearTicks(low, high, count);
  const mantissas = decades * 3 <= count * 1.5 ? [1, 2, 5] : [1];
  const every = Math.max(1, Math.ceil(decades / count));
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1) {
    if (power % every !== 0) continue;
    for (const mantissa of mantissas) ticks.push(scaleByPower(mantissa, power));
  }
  return ticks.filter((tick) => tick >= low && tick <= high).slice(0, TICKS_MAX);
}

/** Ticks of a symlog axis that is linear within ±threshold: zero, and powers of ten on both sides. */
export function symlogTicks(low: number, high: number, count: number, threshold: number): number[] {
  if (!(high > low) || !(threshold > 0)) return [];
  if (Math.max(Math.abs(low), Math.abs(high)) <= threshold) return linearTicks(low, high, count);
  const half = Math.max(1, Math.floor(count / 2));
  const positive = high > threshold ? powersBetween(Math.max(threshold, low), high, half) : [];
  const negative = low < -threshold ? powersBetween(Math.max(threshold, -high), -low, half) : [];
  const middle = low <= 0 && high >= 0 ? [0] : [];
  return [...negative.map((tick) => -tick).reverse(), ...middle, ...positive];
}

/** Symlog: linear about zero, logarithmic far from it; odd, monotonic, and `symlogInverse` undoes it. */
export function symlog(value: number, threshold: number): number {
  return Math.asinh(value / threshold);
}

export function symlogInverse(value: number, threshold: number): number {
  return Math.sinh(value) * threshold;
}

const SECOND = 1;
const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;
const TIME_STEPS: readonly number[] = [
  ...[1, 2, 5, 10, 15, 30].map((n) => n * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR),
  ...[1, 2, 5, 7, 14, 30, 90, 180, 365].map((n) => n * DAY),
];

/** The step in seconds, as clocks have them, that cuts `span_s` into at most `count` parts. */
export function timeStep(spanS: number, count: number): number {
  if (!(spanS > 0) || !Number.isFinite(spanS)) return 0;
  const rough = spanS / Math.max(1, count);
  if (rough < 1) return niceStep(spanS, count);
  const found = TIME_STEPS.find((step) => step >= rough * (1 - 1e-12));
  return found ?? niceStep(spanS / (365 * DAY), count) * 365 * DAY;
}

/** Ticks of a duration in seconds since a start. */
export function durationTicks(low: number, high: number, count: number): number[] {
  const step = timeStep(high - low, count);
  return step === 0 ? linearTicks(low, high, count) : multiplesWithin(low, high, step);
}

/** Ticks of wall time in epoch seconds, on whole local hours and days; `offset_s` = local time minus UTC. */
export function wallTicks(low: number, high: number, count: number, offsetS: number): number[] {
  return durationTicks(low + offsetS, high + offsetS, count).map((tick) => tick - offsetS);
}

function powersBetween(low: number, high: number, count: number): number[] {
  const first = Math.ceil(Math.log10(low) - 1e-12);
  const final = Math.floor(Math.log10(high) + 1e-12);
  const every = Math.max(1, Math.ceil((final - first + 1) / count));
  const ticks: number[] = [];
  for (let power = first; power <= final && ticks.length < TICKS_MAX; power += every) ticks.push(scaleByPower(1, power));
  return ticks.filter((tick) => tick >= low && tick <= high);
}

function multiplesWithin(low: number, high: number, step: number): number[] {
  const from = Math.ceil(low / step - 1e-9);
  const to = Math.floor(high / step + 1e-9);
  const ticks: number[] = [];
  for (let index = from; index <= to && ticks.length < TICKS_MAX; index += 1) ticks.push(roundTo(index * step, step));
  return ticks;
}

/** Take the noise of the multiplication off: 3 x 0.1 is 0.3. */
function roundTo(value: number, step: number): number {
  const digits = Math.max(0, 1 - Math.floor(Math.log10(step)));
  return digits > 20 ? value : Number(value.toFixed(Math.min(20, digits))) + 0;
}

function scaleByPower(mantissa: number, power: number): number {
  return Number(`${mantissa}e${power}`);
}
