// Columns in bands by the part of their name before a slash: `val/acc` and `val/loss` stand under `val`. Pure.
import { prefixOf } from '@/domain/names';
import { metricName, sparkKey, type ShownColumn } from './columns';

export interface Band {
  name: string;
  width: number;
  /** How many columns it holds; those folded away count. */
  count: number;
  isFolded: boolean;
}

const foldedPrefix = 'band:';
const foldedWidth = 44;
const bandless = new Set(['delta', 'folded']);

/** The band of a column; '' for what describes the run itself. */
export function bandOf(column: Pick<ShownColumn, 'key' | 'label'>): string {
  if (column.key.startsWith(foldedPrefix)) return column.key.slice(foldedPrefix.length);
  if (column.key === sparkKey) return prefixOf(column.label) || 'metrics';
  const metric = metricName(column.key);
  if (metric) return prefixOf(metric) || 'metrics';
  const dot = column.key.indexOf('.');
  const [family, rest] = [column.key.slice(0, dot), column.key.slice(dot + 1)];
  if (family !== 'params') return ['env', 'code', 'data'].includes(family) ? family : '';
  const cut = rest.search(/[./]/);
  return cut > 0 ? rest.slice(0, cut) : 'params';
}

/** Bring the columns of each band to the first of them, and fold those that are folded; what is in no band stays. */
export function arrangeBands(columns: readonly ShownColumn[], folded: readonly string[]): ShownColumn[] {
  const bands: { name: string; own: ShownColumn[] }[] = [];
  let current = '';
  for (const column of columns) {
    // How far from the baseline belongs to the metric it stands behind.
    current = bandless.has(column.kind) ? current : bandOf(column);
    const band = bands.findLast((item, index) => item.name === current && (current !== '' || index === bands.length - 1));
    if (band) band.own.push(column);
    else bands.push({ name: current, own: [column] });
  }
  return bands.flatMap(({ name, own }) => (name && folded.includes(name) ? [foldOf(name, own)] : own.map((column) => ({ ...column, label: withoutBand(column, name) }))));
}

function foldOf(name: string, own: readonly ShownColumn[]): ShownColumn {
  return { key: foldedPrefix + name, label: name, summary: '', kind: 'folded', width: foldedWidth, isPinned: false, direction: null, low: null, high: null, digits: null, folds: own.length };
}

function withoutBand(column: ShownColumn, band: string): string {
  const head = column.label.slice(0, band.length + 1);
  return band && (head === `${band}/` || head === `${band}.`) ? column.label.slice(band.length + 1) : column.label;
}

/** The bands over columns that stand side by side. */
export function bandsOver(columns: readonly ShownColumn[]): Band[] {
  const bands: Band[] = [];
  for (const column of columns) {
    const last = bands.at(-1);
    const name = column.kind === 'delta' && last ? last.name : bandOf(column);
    if (last?.name === name) {
      last.width += column.width;
      last.count += 1;
    } else bands.push({ name, width: column.width, count: column.folds ?? 1, isFolded: column.kind === 'folded' });
  }
  return bands;
}
