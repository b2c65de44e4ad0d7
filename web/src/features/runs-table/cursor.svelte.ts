// The cursor is where it was when a person comes back: kept under the history's step with the name of what it stood on, for
// rows that came meanwhile move that to another line.
import { untrack } from 'svelte';
import { keepText, readKept } from '@/state/url.svelte';
import type { Listing } from './listing.svelte';

const kept = 'cursor';
/** How far a row may have moved and is still looked for. */
const reach = 200;

/** Find a name near the line where it was; null where it is not, undefined while that is not known yet. Pure. */
export function findLine(name: string, near: number, lines: number, nameOf: (line: number) => string | undefined): number | null | undefined {
  if (nameOf(near) === name) return near;
  for (let step = 1; step <= reach; step += 1) {
    for (const line of [near - step, near + step]) if (line >= 0 && line < lines && nameOf(line) === name) return line;
  }
  return near < lines && nameOf(near) === undefined ? undefined : null;
}

/** Keep where the cursor of a table stands, and put it back there. Call while a component is being set up. */
export function followCursor(table: { cursor: number; readonly list: Listing }): void {
  const [at = '', name = ''] = readKept(kept).split(/ (.*)/s);
  let sought = name;
  let put = -1;
  $effect(() => {
    const { list } = table;
    if (!sought || !list.hasAnswer) return;
    const found = findLine(sought, Number(at), list.lines, (line) => list.nameOf(line));
    // Whoever moved the cursor meanwhile knows better.
    if (untrack(() => table.cursor) !== put || (found !== undefined && !list.isKept)) sought = '';
    if (typeof found === 'number' && untrack(() => table.cursor) === put) table.cursor = put = found;
  });
  $effect(() => {
    const stands = table.list.nameOf(table.cursor);
    if (stands) keepText(kept, `${table.cursor} ${stands}`);
  });
}
