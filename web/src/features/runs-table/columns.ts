// Which columns a table shows, in which order, how wide: the server's catalogue, what varies by default, and what the
// person chose. Pure. A metric's key ends in its summary; choosing another one changes the key and nothing else.
import type { Column, ColumnCatalogue, Direction } from '@/api/types';
import { columnDigits, fromWire } from '@/domain/numbers';
import { shortKey } from '@/domain/filter-clauses';

export type CellKind = 'state' | 'note' | 'tags' | 'spark' | 'delta' | 'metric' | 'number' | 'text' | 'editable' | 'time' | 'duration' | 'flag' | 'folded';

export interface ShownColumn {
  key: string;
  label: string;
  /** The summary of a metric that its label does not say, or ''. */
  summary: string;
  kind: CellKind;
  /** CSS pixels. */
  width: number;
  isPinned: boolean;
  direction: Direction | null;
  /** Least and greatest among all matches, where known. */
  low: number | null;
  high: number | null;
  /** Digits after the point that align the column; null = each number for itself. */
  digits: number | null;
  /** How many columns are folded away in this one. */
  folds?: number;
}

export interface Layout {
  keys: readonly string[] | null;
  pinned: readonly string[];
  widths: Readonly<Record<string, number>>;
  /** Which way is better, by metric, where a person says otherwise than the server. */
  directions: Readonly<Record<string, Direction | 'none'>>;
  /** Whether cells hold a best, a mean and a deviation, which take room. */
  isGrouped?: boolean;
}

export const summaries = ['last', 'best', 'min', 'max', 'mean', 'first', 'n'] as const;
export const sparkKey = 'spark';
export const deltaKey = 'delta';
const always = ['state', 'note', 'tag', 'conclusion'];
const atEnd = ['created', 'duration'];
/** Said by the state already, or a detail that few look for. */
const hidden = ['progress', 'step', 'end.cause', 'group'];
const maxDefault = 40;
const fixed: Readonly<Record<string, [CellKind, string, number]>> = {
  state: ['state', 'State', 124], note: ['note', 'Notes', 250], tag: ['tags', 'Tags', 160], created: ['time', 'Created', 104],
  ended: ['time', 'Ended', 104], duration: ['duration', 'Took', 96], conclusion: ['editable', 'Conclusion', 240], why: ['editable', 'Why', 240],
  [sparkKey]: ['spark', '', 112], [deltaKey]: ['delta', 'vs base', 88],
};

const metricPattern = /^(metrics\..+)\.(last|best|min|max|mean|first|n|@-?\d+)$/;

/** Split a metric's key into the metric and its summary; null for other keys. */
export function splitMetric(key: string): { metric: string; summary: string } | null {
  const match = metricPattern.exec(key);
  if (match?.[1] && match[2]) return { metric: match[1], summary: match[2] };
  return key.startsWith('metrics.') ? { metric: key, summary: 'last' } : null;
}

/** Whether a column is a metric's value at a step: read from the curves of the runs in view, so nothing is sorted by it. */
export const isAtStep = (column: Pick<ShownColumn, 'summary'>): boolean => column.summary.startsWith('@');

/** The name of a key's metric as it was logged, or ''. */
export function metricName(key: string): string {
  const name = splitMetric(key)?.metric.slice('metrics.'.length) ?? '';
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
}

/** Columns shown unless a person chose: state, notes, tags, metrics with a curve, what varies, when and how long. */
export function defaultKeys(catalogue: ColumnCatalogue): string[] {
  const known = new Map(catalogue.columns.map((column) => [column.key, column]));
  const varied = catalogue.default.filter((key) => !always.includes(key) && !atEnd.includes(key) && !hidden.includes(key));
  const isMetric = (key: string) => key.startsWith('metrics.');
  const directed = varied.filter((key) => isMetric(key) && known.get(key)?.direction);
  const others = varied.filter((key) => isMetric(key) && !known.get(key)?.direction);
  const rest = varied.filter((key) => !isMetric(key));
  const fill = (key: string) => known.get(key)?.n ?? 0;
  const params = rest.filter((key) => key.startsWith('params.')).toSorted((a, b) => fill(b) - fill(a));
  const spark = directed.length + others.length > 0 ? [sparkKey] : [];
  const ordered = [...directed.toSorted(heldOutFirst), ...spark, ...params, ...others, ...rest.filter((key) => !key.startsWith('params.'))];
  return ['state', ...wordKeys(fill('note'), fill('conclusion')), 'tag', ...ordered.slice(0, maxDefault), ...atEnd];
}

/** Notes where there are any, conclusions where there are any; an empty notes column invites the first. */
function wordKeys(notes: number, conclusions: number): string[] {
  if (notes > 0) return conclusions > 0 ? ['note', 'conclusion'] : ['note'];
  return conclusions > 0 ? ['conclusion'] : ['note'];
}

/** Metrics on held-out data say more than those on what was trained on. */
function heldOutFirst(a: string, b: string): number {
  const rank = (key: string) => (/\b(val|valid|validation|test|eval|dev)\b/i.test(key) ? 0 : /\btrain(ing)?\b/i.test(key) ? 2 : 1);
  return rank(a) - rank(b);
}

/** The metric whose curve a table draws: a training loss where there is one. */
export function defaultSpark(catalogue: ColumnCatalogue): string {
  const names = catalogue.columns.filter((column) => column.group !== 'metrics/system').map((column) => metricName(column.key)).filter(Boolean);
  return names.find((name) => /train.*loss/i.test(name)) ?? names.find((name) => /loss/i.test(name)) ?? names[0] ?? '';
}

const bound = (value: Column['min'] | undefined) => (value === null || value === undefined ? null : fromWire(value));

function findColumn(catalogue: ColumnCatalogue, key: string): Column | undefined {
  const exact = catalogue.columns.find((column) => column.key === key);
  if (exact) return exact;
  const metric = splitMetric(key)?.metric;
  const same = metric && catalogue.columns.find((column) => splitMetric(column.key)?.metric === metric);
  // Another summary of a known metric has the same direction; its least and greatest are not known.
  return same ? { ...same, key, min: null, max: null } : undefined;
}

function describe(catalogue: ColumnCatalogue, key: string, layout: Layout, spark: string): ShownColumn {
  const column = findColumn(catalogue, key);
  const own = fixed[key];
  const metric = splitMetric(key);
  const kind: CellKind = own?.[0] ?? (metric ? 'metric' : column?.kind === 'number' ? 'number' : column?.kind === 'bool' ? 'flag' : 'text');
  const label = key === sparkKey ? spark : (own?.[1] ?? (metric ? metricName(key) : shortKey(key)));
  const low = bound(column?.min);
  const high = bound(column?.max);
  const said = layout.directions[metricName(key)];
  const direction = said === undefined ? (column?.direction ?? null) : said === 'none' ? null : said;
  const implied = direction === (metric?.summary ?? null) || metric?.summary === 'last';
  const summary = metric && !implied ? metric.summary : '';
  return {
    key, label, kind, low, high, summary,
    width: layout.widths[key] ?? Math.max(own?.[2] ?? naturalWidth(kind, label + summary), layout.isGrouped ? (groupedWidths[kind] ?? 0) : 0),
    isPinned: layout.pinned.includes(key),
    direction,
    digits: low === null || high === null ? null : columnDigits([low, high]),
  };
}

const groupedWidths: Readonly<Partial<Record<CellKind, number>>> = { metric: 178, number: 148, duration: 148 };

function naturalWidth(kind: CellKind, label: string): number {
  const heading = Math.round(label.length * 6.7) + 42;
  return Math.min(Math.max(heading, kind === 'text' ? 108 : 92), 220);
}

/** Put together what is shown: pinned ones first, each group in the person's order. */
export function shownColumns(catalogue: ColumnCatalogue, layout: Layout, spark: string, hasBaseline: boolean): ShownColumn[] {
  const chosen = layout.keys ?? defaultKeys(catalogue);
  const first = chosen.findIndex((key) => key.startsWith('metrics.'));
  const keys = hasBaseline && first >= 0 && !chosen.includes(deltaKey) ? chosen.toSpliced(first + 1, 0, deltaKey) : chosen;
  const columns = keys.filter((key) => hasBaseline || key !== deltaKey).map((key) => describe(catalogue, key, layout, spark));
  return [...columns.filter((column) => column.isPinned), ...columns.filter((column) => !column.isPinned)];
}

/** Kinds of cells that a file of the table has; the others are drawn or said of others. */
export const inFile: ReadonlySet<CellKind> = new Set<CellKind>(['state', 'note', 'tags', 'metric', 'number', 'text', 'editable', 'time', 'duration', 'flag']);

/** Keys that the server is asked to bring as cells. */
export const cellKeys = (columns: readonly ShownColumn[]): string[] =>
  columns.filter((column) => ['metric', 'number', 'text', 'flag'].includes(column.kind)).map((column) => column.key);

/** How much of a cell its bar fills: longer is better. Null where that is not known. */
export function barShare(column: ShownColumn, value: number): number | null {
  if (column.kind !== 'metric' || column.low === null || column.high === null || column.high <= column.low || !Number.isFinite(value)) return null;
  const share = (value - column.low) / (column.high - column.low);
  return column.direction === 'min' ? 1 - share : share;
}

/** Whether a value is the best among all matches. */
export function isBest(column: ShownColumn, value: number): boolean {
  if (column.kind !== 'metric' || column.direction === null || column.low === column.high) return false;
  return value === (column.direction === 'max' ? column.high : column.low);
}

/** Which columns stand in view of a sideways scroller, with some to spare, and the room before and after them. */
export function columnsInView(columns: readonly ShownColumn[], left: number, width: number, spare = 200): { from: number; to: number; before: number; after: number } {
  let x = 0;
  let before = 0;
  let from = columns.length;
  let to = 0;
  let after = 0;
  columns.forEach((column, index) => {
    const isSeen = x + column.width > left - spare && x < left + width + spare;
    if (isSeen && from === columns.length) [from, before] = [index, x];
    if (isSeen) to = index + 1;
    else if (from < columns.length) after += column.width;
    x += column.width;
  });
  return from === columns.length ? { from: 0, to: 0, before: x, after: 0 } : { from, to, before, after };
}
