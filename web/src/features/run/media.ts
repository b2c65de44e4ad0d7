/** Media as what is drawn of them. Parses what the server sent inside an item; what is not as expected is not drawn. Pure. */

export interface TableData {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly total: number;
}

export interface HistogramData {
  readonly counts: readonly number[];
  readonly edges: readonly number[];
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value);

/** What a file is in a word: of a figure whose drawing it is, else its media type. */
export function nameFormat({ media_type: type, kind }: { media_type: string; kind: string }): string {
  if (/plotly/.test(type)) return 'the Plotly figure';
  if (/vega/.test(type)) return 'the Vega figure';
  return type || kind;
}

/** A cell as text; nested values as JSON. */
export function printItem(value: unknown): string {
  if (value === null || value === undefined) return '–';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

export function toTable(value: unknown): TableData | null {
  if (!isRecord(value) || !Array.isArray(value['columns']) || !Array.isArray(value['rows'])) return null;
  const rows = value['rows'].flatMap((row: unknown) => (Array.isArray(row) ? [row.map(printItem)] : []));
  const total = typeof value['total_rows'] === 'number' ? value['total_rows'] : rows.length;
  return { columns: value['columns'].map(printItem), rows, total };
}

/** Whether a column's cells are numbers, what is missing apart: those stand under each other at their ends. */
export function isNumeric(cells: readonly string[]): boolean {
  const given = cells.filter((cell) => cell !== '' && cell !== '–');
  return given.length > 0 && given.every((cell) => /^[-+]?(?:\d[\d_]*\.?\d*|\.\d+)(?:e[-+]?\d+)?$|^(?:nan|[-+]?inf(?:inity)?)$/i.test(cell));
}

/** Counts between edges; there is one edge more than counts. */
export function toHistogram(value: unknown): HistogramData | null {
  if (!isRecord(value)) return null;
  const counts = toNumbers(value['counts']);
  const edges = toNumbers(value['edges'] ?? value['bins']);
  return counts !== null && edges !== null && counts.length > 0 && edges.length === counts.length + 1 ? { counts, edges } : null;
}

function toNumbers(value: unknown): number[] | null {
  return Array.isArray(value) && value.every((one) => typeof one === 'number' && Number.isFinite(one)) ? value : null;
}

export interface Bar {
  readonly x: number;
  readonly width: number;
  readonly height: number;
}

/** Bars in a box of 1 by 1, as wide as their bins, a bin of no width left out. */
export function toBars({ counts, edges }: HistogramData): Bar[] {
  const [low, high] = [edges[0] ?? 0, edges.at(-1) ?? 1];
  const most = Math.max(...counts, 1);
  if (!(high > low)) return [];
  return counts.flatMap((count, index) => {
    const [from, to] = [edges[index] ?? low, edges[index + 1] ?? high];
    return to > from ? [{ x: (from - low) / (high - low), width: (to - from) / (high - low), height: Math.max(0, count) / most }] : [];
  });
}
