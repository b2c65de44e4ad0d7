/**
 * The table of results and differing parameters, as rows of texts. Pure. A cell differs from the baseline's, or without a
 * baseline from what most runs have.
 */
import type { ComparedMetric, ComparedRow } from '@/api/run-types';
import type { Cell } from '@/api/types';
import { formatReading } from '@/domain/axis-format';
import { toNumber } from '@/domain/numbers';

export interface DifferenceCell {
  readonly text: string;
  readonly full: string;
  readonly isMarked: boolean;
}

/** A parameter's value as a short text and a whole one. */
export function printCell(value: Cell | undefined): { text: string; full: string } {
  if (value === null || value === undefined) return { text: '–', full: 'not set' };
  const number = toNumber(value);
  if (number !== null) return { text: printParameter(number), full: String(value) };
  const full = typeof value === 'string' ? value : JSON.stringify(value);
  // Without its spaces a list fits a column; without its brackets it would read as a number.
  const isList = /^\[[^[\]{}]*\]$/.test(full);
  return { text: isList ? full.replaceAll(/,\s+/g, ',') : full, full };
}

// Arithmetic leaves its traces in the digits behind these: 5 times 3e-4 is 0.0014999999999999998.
const DIGITS = 12;
/** What a column has room for, and the digits that then say enough; the whole stands in the cell's title. */
const CELL_CHARS = 9;
const SHORT_DIGITS = 4;

/** A number as a person would have typed it: `5e-4`, `0.8`, `15000`. */
function printParameter(value: number): string {
  const typed = Number(value.toPrecision(DIGITS));
  const whole = writeNumber(typed);
  // Cut at its end, a number drawn at random would lose its exponent, and with it what it says.
  return whole.length <= CELL_CHARS || Number.isInteger(typed) ? whole : writeNumber(Number(typed.toPrecision(SHORT_DIGITS)));
}

function writeNumber(value: number): string {
  const size = Math.abs(value);
  return size > 0 && (size < 1e-3 || size >= 1e6) ? value.toExponential().replace('e+', 'e') : String(value);
}

/** One row of parameters; `base` is the baseline's place, -1 = none. */
export function toParamCells(row: ComparedRow, base: number): DifferenceCell[] {
  const keys = row.values.map((value, index) => (row.present[index] === false ? 'absent' : JSON.stringify(value)));
  const reference = base >= 0 ? keys[base] : mostFrequent(keys);
  return row.values.map((value, index) => ({ ...printCell(row.present[index] === false ? null : value), isMarked: keys[index] !== reference }));
}

/** One row of results: the best are marked, where there is more than one run and they are not all the same. */
export function toMetricCells(metric: ComparedMetric): DifferenceCell[] {
  const isWorthMarking = metric.values.length > 1 && metric.best.length < metric.values.filter((value) => value !== null).length;
  return metric.values.map((value, index) => ({
    ...printResult(value),
    isMarked: metric.best.includes(index) && isWorthMarking,
  }));
}

function printResult(value: Cell): { text: string; full: string } {
  const number = toNumber(value);
  return number === null ? { text: '–', full: 'not logged' } : { text: formatReading(number), full: String(value) };
}

/** What differs beside parameters and is not told among them already: a seed is often both. */
export function pickOthers(attributes: readonly ComparedRow[], params: readonly ComparedRow[]): ComparedRow[] {
  const told = new Map(params.map(({ key, values }) => [key, JSON.stringify(values)]));
  return attributes.filter(({ key, values }) => !IN_PROSE.has(key) && told.get(key) !== JSON.stringify(values));
}

// What is long prose stands on the run's own page.
const IN_PROSE = new Set(['why', 'conclusion']);

function mostFrequent(keys: readonly string[]): string | undefined {
  const counts = new Map<string, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  let best: string | undefined;
  let most = 1;
  for (const [key, count] of counts) {
    if (count > most) {
      best = key;
      most = count;
    }
  }
  // All differ: the first is what the others are held against.
  return best ?? keys[0];
}
