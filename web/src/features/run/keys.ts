/** The run page's keys: those of its curves, those about the run, and the way to its neighbours. */
import { runPath, comparePath } from '@/domain/paths';
import { chartCommands } from '@/state/chart-keys';
import { useCommands } from '@/state/keys.svelte';
import { showToast } from '@/state/toasts.svelte';
import { neighbourOf } from '@/state/trail.svelte';
import { navigate } from '@/state/url.svelte';
import type { RunModel } from './model.svelte';

export function useRunKeys(model: RunModel): void {
  const group = 'Run';
  useCommands(() => [
    ...chartCommands(model.view, () => (model.cursor.zoom = null)),
    { keys: '[', label: 'Previous run of the list it was opened from', group, run: () => openNeighbour(model, -1) },
    { keys: ']', label: 'Next run of the list it was opened from', group, run: () => openNeighbour(model, 1) },
    { keys: 'L', label: 'Like the chart that is pointed at, else this run', group, run: () => likePointed(model) },
    { keys: 'E', label: 'Archive or restore this run', group, run: () => model.toggleArchived() },
    { keys: 'N', label: 'Write its note', group, run: () => focusOn('note-edit') },
    { keys: 'T', label: 'Tag it', group, run: () => focusOn('tag-add') },
    { keys: 'C', label: 'Compare it with its parent', group, run: () => compareWithParent(model) },
    { keys: 'P', label: 'Open its parent', group, run: () => openParent(model) },
  ]);
}

function likePointed(model: RunModel): void {
  const like = (model.cursor.card ?? model.resourceCursor.card)?.toggleLike ?? null;
  if (like === null) model.toggleLike();
  else like();
}

/** The way on is kept as it was, so that whoever walks along a list looks at each run in the same way. */
function openNeighbour(model: RunModel, step: 1 | -1): void {
  const next = neighbourOf(model.id, step);
  if (next !== null) navigate(runPath(next) + location.search);
  else showToast(step === 1 ? 'There is no next run in the list it was opened from.' : 'There is no run before it in the list it was opened from.');
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
