/** The run page's keys. */
import { runPath, comparePath } from '@/domain/paths';
import { useCommands } from '@/state/keys.svelte';
import { navigate } from '@/state/url.svelte';
import type { RunModel } from './model.svelte';

export function useRunKeys(model: RunModel): void {
  const group = 'Run';
  useCommands(() => [
    { keys: '1', label: 'Show curves by step', group, run: () => model.view.change({ axis: 'step' }) },
    { keys: '2', label: 'Show curves by time since start', group, run: () => model.view.change({ axis: 'relative' }) },
    { keys: '3', label: 'Show curves by wall time', group, run: () => model.view.change({ axis: 'time' }) },
    { keys: ',', label: 'Smooth less', group, run: () => model.view.smooth(-1) },
    { keys: '.', label: 'Smooth more', group, run: () => model.view.smooth(1) },
    { keys: 'L', label: 'Like this run', group, run: () => model.toggleLike() },
    { keys: 'E', label: 'Archive or restore this run', group, run: () => model.toggleArchived() },
    { keys: 'N', label: 'Write its note', group, run: () => focusOn('note-edit') },
    { keys: 'T', label: 'Tag it', group, run: () => focusOn('tag-add') },
    { keys: 'C', label: 'Compare it with its parent', group, run: () => compareWithParent(model) },
    { keys: 'P', label: 'Open its parent', group, run: () => openParent(model) },
  ]);
}

function focusOn(id: string): void {
  const target = document.getElementById(id);
  target?.scrollIntoView({ block: 'center' });
  target?.click();
}

function compareWithParent(model: RunModel): void {
  const { detail } = model;
  if (detail === undefined) return;
  const { row, parent } = detail;
  navigate(comparePath(parent === null ? [row.id] : [row.id, parent.id], row));
}

function openParent(model: RunModel): void {
  const parent = model.detail?.parent ?? null;
  if (parent !== null) navigate(runPath(parent.id));
}
