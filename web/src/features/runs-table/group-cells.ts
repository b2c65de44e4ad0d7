// What all members of a group come to in one column, as words for its cell. Pure.
import type { GroupCell } from '@/api/types';
import { formatAligned, formatCount, formatNumber, fromWire, type WireNumber } from '@/domain/numbers';
import { formatAgo, formatDuration } from '@/domain/times';
import type { EpochMicros } from '@/domain/ids';
import { printCell } from './cells';
import type { ShownColumn } from './columns';

export interface GroupWords {
  /** The best of the members, or the value that all share. */
  main: string;
  /** Mean and deviation, or how many values there are. */
  aside: string;
  /** All of it in a sentence. */
  title: string;
}

const none: GroupWords = { main: '', aside: '', title: '' };
const read = (value: WireNumber | null): number | null => (value === null ? null : fromWire(value));

/** The best number among a group's members by a column's direction; null where there is none. */
export function bestOf(cell: GroupCell | undefined, column: ShownColumn): number | null {
  if (!cell || column.direction === null) return null;
  return read(column.direction === 'max' ? cell.max : cell.min);
}

export function groupWords(cell: GroupCell | undefined, column: ShownColumn, count: number, now: EpochMicros): GroupWords {
  if (!cell || cell.n === 0) return none;
  const of = `of ${formatCount(cell.n)}${cell.n === count ? '' : ` of ${formatCount(count)}`} runs`;
  if (column.kind === 'time') return timeWords(cell, of, now);
  const mean = read(cell.mean);
  const isMetric = column.kind === 'metric' && mean !== null;
  if (cell.value !== null) return { main: isMetric ? formatAligned(mean, column.digits) : printCell(cell.value), aside: '', title: `the same in all, ${of}` };
  if (mean === null) return cell.distinct ? { main: '', aside: `${formatCount(cell.distinct)} values`, title: of } : oddWords(cell, of);
  return numberWords(cell, column, mean, of);
}

function timeWords(cell: GroupCell, of: string, now: EpochMicros): GroupWords {
  const newest = read(cell.max);
  return newest === null ? none : { main: '', aside: formatAgo(newest, now), title: `the newest ${of}` };
}

function oddWords(cell: GroupCell, of: string): GroupWords {
  return cell.odd ? { main: '', aside: `${formatCount(cell.odd)} NaN or ∞`, title: of } : none;
}

function numberWords(cell: GroupCell, column: ShownColumn, mean: number, of: string): GroupWords {
  const print = column.kind === 'duration' ? formatDuration : (value: number) => formatAligned(value, column.kind === 'metric' ? column.digits : null);
  const [std, best, low, high] = [read(cell.std), bestOf(cell, column), read(cell.min), read(cell.max)];
  const spread = std === null ? '' : ` ± ${column.kind === 'duration' ? formatDuration(std) : formatNumber(std, 2)}`;
  const odd = cell.odd ? `; ${formatCount(cell.odd)} NaN or infinite, left out` : '';
  const range = low === null || high === null ? '' : `, ${print(low)} to ${print(high)}`;
  return {
    main: best === null ? '' : print(best),
    aside: `${print(mean)}${spread}`,
    title: `${best === null ? '' : `best ${print(best)}, `}mean ${print(mean)}${std === null ? '' : `, standard deviation ${print(std)}`}${range}, ${of}${odd}`,
  };
}
