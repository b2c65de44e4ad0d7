// Keys and commands of the runs table.
import { useCommands } from '@/state/keys.svelte';
import type { RunsModel } from './model.svelte';

export function useTableCommands(model: RunsModel): void {
  const group = 'Runs';
  const silent = { group, isOffered: false };
  const edit = (field: 'note' | 'tags') => {
    if (model.current) model.startEdit(model.current, field);
  };
  const focusFilter = () => document.getElementById('filter-field')?.focus();
  const step = (keys: string, label: string, by: () => number) => ({ ...silent, keys, label, run: () => model.move(by()) });
  const screen = () => Math.max(1, Math.floor((document.querySelector('.scroller')?.clientHeight ?? 400) / 32) - 2);
  useCommands(() => [
    { keys: '/', label: 'Filter and search these runs', group, run: focusFilter },
    step('J', 'Next run', () => 1), step('K', 'Previous run', () => -1),
    step('ArrowDown', 'Next run', () => 1), step('ArrowUp', 'Previous run', () => -1),
    step('PageDown', 'A screen down', screen), step('PageUp', 'A screen up', () => -screen()),
    step('Home', 'First run', () => -Infinity), step('End', 'Last run', () => Infinity),
    { ...silent, keys: 'X', label: 'Select the run', run: () => model.select(model.cursor, false) },
    { ...silent, keys: 'Shift+X', label: 'Select all from the last one selected', run: () => model.select(model.cursor, true) },
    { ...silent, keys: 'Enter', label: 'Open the run', run: () => model.open() },
    { ...silent, keys: 'Space', label: 'Peek at the run', run: () => (model.peeked = model.peeked ? null : (model.current?.id ?? null)) },
    { ...silent, keys: 'N', label: 'Write a note', run: () => edit('note') },
    { keys: 'T', label: 'Tag the selected runs', group, run: () => (model.selection.size ? (model.isTagging = true) : edit('tags')) },
    { keys: 'L', label: 'Like the selected runs', group, run: () => model.likeTarget() },
    { keys: 'E', label: 'Archive the selected runs', group, run: () => model.archiveTarget() },
    { keys: 'C', label: 'Compare the selected runs', group, run: () => model.compare() },
    { ...silent, keys: 'B', label: 'Make the run the baseline', run: () => model.setBaseline() },
    { keys: 'V', label: 'Next saved view', group, run: () => model.views.next() },
    { keys: 'Mod+S', label: 'Save this view as…', group, run: () => (model.isSaving = true) },
    { keys: 'Escape', label: 'Leave the selection', ...silent, run: () => (model.peeked ? (model.peeked = null) : model.selection.clear()) },
  ]);
}
