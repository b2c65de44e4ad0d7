/**
 * How the ticks and the readouts of an axis are written: with the digits that tell a tick from the next one, no more.
 * Steps, values, durations and wall time; seconds and epoch seconds. Other values in a table are `numbers.ts`.
 */
import { formatNumber } from './numbers';

const MINUS = '\u2212';
const SUFFIXES: readonly (readonly [number, string])[] = [
  [1e12, 'T'],
  [1e9, 'G'],
  [1e6, 'M'],
  [1e3, 'k'],
];
const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;

/** A tick of an axis: `20k`, `0.05`, `1e-5`; with the digits that tell it from the next one `step` away. */
export function formatTick(value: number, step: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size < 1e-3 || size >= 1e15) return tidyExponent(value.toExponential(exponentDigits(size, step)));
  const [divisor, suffix] = SUFFIXES.find(([least]) => size >= least) ?? [1, ''];
  const decimals = decimalsOf(step / divisor);
  return withMinus(trimZeros((value / divisor).toFixed(decimals))) + suffix;
}

/** A step in a readout: `61.2k`, `412`. */
export function formatStep(value: number): string {
  const size = Math.abs(value);
  if (size < 10_000) return withMinus(String(Math.round(value)));
  const [divisor, suffix] = SUFFIXES.find(([least]) => size >= least) ?? [1, ''];
  return withMinus(trimZeros((value / divisor).toPrecision(4))) + suffix;
}

/** A value in a title or a cell: large ones in thousands and millions, as bytes and tokens are read, an exponent short. */
export function formatReading(value: number): string {
  if (Math.abs(value) >= 1e6 && Math.abs(value) < 1e15) return formatStep(value);
  const text = formatNumber(value);
  return text.includes('e') ? formatNumber(value, 3) : text;
}

/** A number as it was given, every digit that says something; for CSV and copying. */
export function formatExact(value: number): string {
  return Object.is(value, -0) ? '0' : String(value);
}

/** A tick of an axis of durations in seconds: `0`, `30s`, `5m`, `1h 30m`, `1d 6h`. */
export function formatDurationTick(seconds: number): string {
  if (seconds === 0) return '0';
  if (seconds < 0) return `${MINUS}${formatDurationTick(-seconds)}`;
  if (seconds < 1) return `${trimZeros((seconds * 1000).toFixed(2))}ms`;
  if (seconds < MINUTE) return `${trimZeros(seconds.toFixed(2))}s`;
  const [size, unit, below, belowUnit] = unitsOf(seconds);
  const rest = Math.floor((seconds % size) / below);
  return rest === 0 ? `${Math.floor(seconds / size)}${unit}` : `${Math.floor(seconds / size)}${unit} ${rest}${belowUnit}`;
}

/** A tick of wall time, given in epoch seconds: the day where one begins or steps are days, else the time of day. */
export function formatWallTick(seconds: number, stepS: number): string {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return '';
  const isMidnight = date.getHours() === 0 && date.getMinutes() === 0 && date.getSeconds() === 0;
  if (stepS >= DAY || isMidnight) return formatDay(date);
  return formatClock(date, stepS < MINUTE);
}

/** Wall time in a readout: `24 Nov 14:03:09`. */
export function formatWallReadout(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? '–' : `${formatDay(date)} ${formatClock(date, true)}`;
}

/** Local time minus UTC, in seconds, at an epoch second; ticks on whole hours need it. */
export function localOffsetS(seconds: number): number {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? 0 : -date.getTimezoneOffset() * MINUTE;
}

function unitsOf(seconds: number): readonly [number, string, number, string] {
  if (seconds >= DAY) return [DAY, 'd', HOUR, 'h'];
  return seconds >= HOUR ? [HOUR, 'h', MINUTE, 'm'] : [MINUTE, 'm', 1, 's'];
}

function formatDay(date: Date): string {
  return `${date.getDate()} ${MONTHS[date.getMonth()] ?? ''}`;
}

function formatClock(date: Date, withSeconds: boolean): string {
  const parts = [date.getHours(), date.getMinutes(), ...(withSeconds ? [date.getSeconds()] : [])];
  return parts.map((part) => String(part).padStart(2, '0')).join(':');
}

function decimalsOf(step: number): number {
  if (!(step > 0) || !Number.isFinite(step)) return 3;
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const scaled = step * 10 ** decimals;
  const isWhole = Math.abs(scaled - Math.round(scaled)) <= 1e-6;
  return Math.min(12, isWhole ? decimals : decimals + 1);
}

function exponentDigits(size: number, step: number): number {
  if (!(step > 0)) return 1;
  return Math.min(6, Math.max(0, Math.floor(Math.log10(size) + 1e-9) - Math.floor(Math.log10(step) + 1e-9)));
}

function tidyExponent(text: string): string {
  const [mantissa = '', exponent = '0'] = text.split('e');
  return `${withMinus(trimZeros(mantissa))}e${Number(exponent)}`;
}

function trimZeros(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

function withMinus(text: string): string {
  return text.replace(/^-/, MINUS);
}
