// The column chooser's list: a heading per group, then its columns; which of them are shown. Pure.
import type { Column } from '@/api/types';
import { shortKey } from '@/domain/filter-clauses';
import { formatCount } from '@/domain/numbers';
import { sparkKey } from './columns';

export interface ColumnEntry {
  /** The column's key; of a heading its group. */
  key: string;
  label: string;
  note: string;
  isHeading: boolean;
  /** Of a heading: true = all of its columns are shown, null = some. */
  isOn: boolean | null;
  /** What a click turns on or off. */
  keys: readonly string[];
}

const groupOf = (column: Column) => (column.group === 'run' ? 'Run' : column.group.replace('/', ' · '));
const noteOf = (column: Column) => (column.varies === false ? 'same in all' : column.n === null ? '' : column.n === 1 ? '1 run' : `${formatCount(column.n)} runs`);

/** List the columns whose key or group holds a text; the curve of `spark` stands first. */
export function listEntries(columns: readonly Column[], shown: readonly string[], sought: string, spark: string): ColumnEntry[] {
  const isShown = new Set(shown);
  const text = sought.trim().toLowerCase();
  const curve = { key: sparkKey, group: 'Curve', label: spark ? `Curve of ${spark}` : 'Curve', note: '' };
  const all = [curve, ...columns.filter((column) => column.key !== 'name').map((column) => ({ key: column.key, group: groupOf(column), label: shortKey(column.key), note: noteOf(column) }))];
  const groups = Map.groupBy(all.filter((item) => !text || `${item.key} ${item.group} ${item.label}`.toLowerCase().includes(text)), (item) => item.group);
  return [...groups].flatMap(([group, items]) => {
    const keys = items.map((item) => item.key);
    const on = keys.filter((key) => isShown.has(key)).length;
    const heading: ColumnEntry = { key: group, label: group, note: `${formatCount(on)} of ${formatCount(keys.length)}`, isHeading: true, isOn: on === keys.length ? true : on ? null : false, keys };
    return [heading, ...items.map((item): ColumnEntry => ({ key: item.key, label: item.label, note: item.note, isHeading: false, isOn: isShown.has(item.key), keys: [item.key] }))];
  });
}
