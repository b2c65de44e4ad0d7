/** What a chart reads at its cursor, as rows for a tooltip and a table, and as a sentence for a screen reader. */
import { formatReading } from '@/domain/axis-format';
import { compareReadings, readAt, type LineColumns, type Reading } from './lines';

export interface ReadoutRow {
  readonly line: LineColumns['line'];
  readonly reading: Reading;
  /** The main line's value; a word where there is none. */
  readonly text: string;
  /** The raw value, where the main line is smoothed. */
  readonly raw: string | null;
}

/** Rows from the best reading down; those that read nothing stand last. */
export function toReadout(lines: readonly LineColumns[], xs: Float64Array, x: number, direction: 'max' | 'min' | null): ReadoutRow[] {
  const rows = lines.map((one): ReadoutRow => {
    const reading = readAt(one, xs, x);
    const isValue = reading.kind === 'value';
    const text = isValue ? formatReading(reading.value) : reading.kind === 'none' ? '–' : reading.kind;
    return { line: one.line, reading, text, raw: isValue && one.isSmoothed ? formatReading(reading.raw) : null };
  });
  return rows.sort((a, b) => compareReadings(a.reading, b.reading, direction));
}

/** At most `most` rows, the one in focus always among them; and how many were left out. */
export function cutReadout(rows: readonly ReadoutRow[], focus: string | null, most: number): { rows: ReadoutRow[]; more: number } {
  if (rows.length <= most) return { rows: [...rows], more: 0 };
  const kept = rows.slice(0, most);
  const focused = rows.find(({ line }) => line.run === focus);
  if (focused !== undefined && !kept.includes(focused)) kept[most - 1] = focused;
  return { rows: kept, more: rows.length - most };
}

/** `step 61.2k: amber-heron-7c1e 82.79, …` */
export function describeReadout(lines: readonly LineColumns[], xs: Float64Array, x: number, where: string, direction: 'max' | 'min' | null): string {
  const { rows, more } = cutReadout(toReadout(lines, xs, x, direction), null, 8);
  const parts = rows.map(({ line, text }) => `${line.name} ${text}`);
  return `${where}: ${parts.join(', ')}${more > 0 ? `, and ${more} more` : ''}`;
}
