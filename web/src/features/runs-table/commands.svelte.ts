// Keys and commands of the runs table.
import { useCommands, type Command } from '@/state/keys.svelte';
import type { RunsModel } from './model.svelte';

export function useTableCommands(model: RunsModel): void {
  const group = 'Runs';
  const silent = { group, isOffered: false };
  const edit = (field: 'note' | 'tags') => {
    if (model.current) model.startEdit(model.current, field);
  };
  const focusFilter = () => document.getElementById('filter-field')?.focus();
  // Whatever had the focus, a link elsewhere perhaps, would take Enter and Space from the row that is marked now.
  const move = (by: number) => {
    document.querySelector<HTMLElement>('[data-grid]')?.focus({ preventScroll: true });
    model.move(by);
  };
  const step = (keys: string, label: string, by: () => number) => ({ ...silent, keys, label, run: () => move(by()) });
  const turn = () => model.currentGroup && model.toggleGroup(model.currentGroup);
  const peek = () => (model.peeked = model.peeked ? null : (model.current?.id ?? null));
  const groupKeys: readonly Command[] = [
    { ...silent, keys: 'ArrowRight', label: 'Open the group', run: () => model.turnGroup(true) },
    { ...silent, keys: 'ArrowLeft', label: 'Fold the group', run: () => model.turnGroup(false) },
    { keys: '', label: 'Open all groups', group, run: () => model.openAll(true) },
    { keys: '', label: 'Fold all groups', group, run: () => model.openAll(false) },
    { keys: '', label: 'No groups', group, run: () => model.groupBy('') },
  ];
  useCommands(() => [
    { keys: '/', label: 'Filter and search these runs', group, run: focusFilter },
    step('J', 'Next run', () => 1), step('K', 'Previous run', () => -1),
    step('ArrowDown', 'Next run', () => 1), step('ArrowUp', 'Previous run', () => -1),
    step('PageDown', 'A screen down', () => model.screenRows()), step('PageUp', 'A screen up', () => -model.screenRows()),
    step('Home', 'First run', () => -Infinity), step('End', 'Last run', () => Infinity),
    ...(model.values.now.group ? groupKeys : []),
    { ...silent, keys: 'X', label: 'Select the run, or all of a group', run: () => void model.picks.pick(model.cursor, false) },
    { ...silent, keys: 'Shift+X', label: 'Select all from the last one selected', run: () => void model.picks.pick(model.cursor, true) },
    { ...silent, keys: 'Enter', label: 'Open the run or the group', run: () => (model.currentGroup ? turn() : model.open()) },
    { ...silent, keys: 'Space', label: 'Peek at the run', run: () => (model.currentGroup ? turn() : peek()) },
    { ...silent, keys: 'N', label: 'Write a note', run: () => edit('note') },
    { keys: 'T', label: 'Tag the selected runs', group, run: () => (model.selection.size || model.currentGroup ? (model.isTagging = true) : edit('tags')) },
    { keys: 'L', label: 'Like the selected runs', group, run: () => model.likeTarget() },
    { keys: 'E', label: 'Archive the selected runs', group, run: () => model.archiveTarget() },
    { keys: 'C', label: 'Compare the selected runs', group, run: () => void model.compare() },
    { ...silent, keys: 'B', label: 'Make the run the baseline', run: () => model.setBaseline() },
    { keys: 'V', label: 'Next saved view', group, run: () => model.views.next() },
    { keys: 'Mod+S', label: 'Save this view as…', group, run: () => (model.naming = { view: null }) },
    { keys: '', label: 'Group runs by…', group, run: () => document.querySelector<HTMLElement>('[data-open=group]')?.click() },
    { keys: '', label: 'Choose columns…', group, run: () => document.querySelector<HTMLElement>('[data-open=columns]')?.click() },
    { keys: 'Escape', label: 'Leave the selection', ...silent, run: () => (model.peeked ? (model.peeked = null) : model.selection.clear()) },
  ]);
}
