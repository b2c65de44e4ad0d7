/** Parameters as texts. Pure. */
import type { Cell } from '@/api/types';

export function printValue(value: Cell): string {
  if (typeof value === 'string') return value;
  return value === null ? 'null' : JSON.stringify(value);
}

/** A field as it was set; objectives, which come as JSON, in words: `val/acc max, val/loss min`. */
export function printChange({ field, value }: { field: string; value: Cell }): string {
  if (field !== 'objectives' || typeof value !== 'string') return printValue(value);
  return parseEntries(value)?.map(([name, direction]) => `${name} ${String(direction)}`).join(', ') ?? value;
}

/** What a JSON object holds; null where it is none, as when it was cut for its length. */
function parseEntries(json: string): [string, unknown][] | null {
  try {
    const found: unknown = JSON.parse(json);
    return typeof found === 'object' && found !== null ? Object.entries(found) : null;
  } catch {
    return null;
  }
}

/** Those that have every word in their name or value, in any case. */
export function filterParams(params: readonly (readonly [string, Cell])[], words: string): (readonly [string, Cell])[] {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  return params.filter(([name, value]) => {
    const text = `${name} ${printValue(value)}`.toLowerCase();
    return wanted.every((word) => text.includes(word));
  });
}
