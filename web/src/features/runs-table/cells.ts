// A cell as text: for the table, its tooltip and CSV. Pure.
import type { Cell, RunRow } from '@/api/types';
import { formatChosen, formatNumber, toNumber } from '@/domain/numbers';
import { formatAgo, formatDuration, formatMoment } from '@/domain/times';
import type { EpochMicros } from '@/domain/ids';
import type { ShownColumn } from './columns';

/** Say any value in one line. */
export function printCell(value: Cell | undefined): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number') return formatChosen(value);
  if (typeof value === 'string' || typeof value === 'boolean') return String(value);
  return value.join(', ');
}

/** The number in a cell of a column that holds numbers; null where there is none. */
export const numberIn = (row: RunRow, column: ShownColumn): number | null => toNumber(row.cells[column.key]);

/** Why a run failed; '' for others. */
export function shownError(row: RunRow): string {
  return row.state === 'failed' || row.state === 'killed' ? (row.error_line ?? '') : '';
}

export function timeOf(row: RunRow, key: string): EpochMicros | null {
  return key === 'ended' ? row.ended_at : row.created_at;
}

/** Say a cell as it stands in the table; `exact` says it for a tooltip or a file. */
export function printColumn(row: RunRow, column: ShownColumn, now: EpochMicros, exact = false): string {
  switch (column.kind) {
    case 'state': return row.cause && row.state !== 'finished' && row.state !== 'running' ? `${row.state} (${row.cause})` : row.state;
    case 'note': return row.note;
    case 'tags': return row.tags.join(', ');
    case 'editable': return (column.key === 'why' ? row.why : row.conclusion) ?? '';
    case 'time': {
      const at = timeOf(row, column.key);
      return at === null ? '' : exact ? formatMoment(at) : formatAgo(at, now);
    }
    case 'duration': return row.duration_s === null ? '' : exact ? String(row.duration_s) : formatDuration(row.duration_s);
    case 'metric': case 'number': {
      const value = numberIn(row, column);
      return value === null ? printCell(row.cells[column.key]) : exact ? String(value) : column.kind === 'metric' ? formatNumber(value) : formatChosen(value);
    }
    case 'text': case 'flag': return printCell(row.cells[column.key]);
    case 'spark': case 'delta': case 'folded': return '';
  }
}
