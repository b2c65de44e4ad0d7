/** Parameters as texts. Pure. */
import type { Cell } from '@/api/types';

export function printValue(value: Cell): string {
  if (typeof value === 'string') return value;
  return value === null ? 'null' : JSON.stringify(value);
}

/** Those that have every word in their name or value, in any case. */
export function filterParams(params: readonly (readonly [string, Cell])[], words: string): (readonly [string, Cell])[] {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  return params.filter(([name, value]) => {
    const text = `${name} ${printValue(value)}`.toLowerCase();
    return wanted.every((word) => text.includes(word));
  });
}
