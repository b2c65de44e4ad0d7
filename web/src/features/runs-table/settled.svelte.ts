// What a table needs once its rows are there, and no sooner: the cursor where it was, and the list of keys that its parts
// take themselves.
import { useCommands, type Command } from '@/state/keys.svelte';
import { followCursor } from './cursor.svelte';
import type { RunsModel } from './model.svelte';

/** Add it to a table; returns how to take it away. */
export function settle(model: RunsModel): () => void {
  return $effect.root(() => {
    followCursor(model);
    useCommands(() => localKeys);
  });
}

const local = (keys: string, label: string, group: string): Command => ({ keys, label, group, isOffered: false, isHint: true, run: () => {} });

const localKeys: readonly Command[] = [
  local('Enter', 'Sort by it', 'On a column’s head'),
  local('Shift+ArrowLeft', 'Move it left', 'On a column’s head'),
  local('Shift+ArrowRight', 'Move it right', 'On a column’s head'),
  local('Alt+ArrowLeft', 'Make it narrower', 'On a column’s head'),
  local('Alt+ArrowRight', 'Make it wider', 'On a column’s head'),
  local('Tab', 'Take the first completion', 'In the filter field'),
  local('Enter', 'Filter by what is typed', 'In the filter field'),
  local('Backspace', 'Take away the last filter, when empty', 'In the filter field'),
  local('Enter', 'Keep it', 'In a note or tags'),
  local('Shift+Enter', 'Break the line', 'In a note or tags'),
  local('Escape', 'Leave it as it was', 'In a note or tags'),
];
