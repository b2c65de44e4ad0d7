/** The compare page's keys: those of its curves, L likes the chart that is pointed at, B and H are about the run in focus. */
import { chartCommands } from '@/state/chart-keys';
import { useCommands } from '@/state/keys.svelte';
import { showToast } from '@/state/toasts.svelte';
import type { CompareModel } from './model.svelte';

export function useCompareKeys(model: CompareModel): void {
  const group = 'Compare';
  useCommands(() => [
    ...chartCommands(model.view, () => (model.cursor.zoom = null)),
    { keys: 'L', label: 'Like the chart that is pointed at', group, run: () => likeChart(model) },
    { keys: 'B', label: 'Make the run in focus the baseline', group, run: () => withFocus(model, (id) => model.toggleBaseline(id)) },
    { keys: 'H', label: 'Hide the run in focus, or show all', group, run: () => hideOrShow(model) },
  ]);
}

function likeChart(model: CompareModel): void {
  const like = model.cursor.card?.toggleLike ?? null;
  if (like === null) showToast('Point at a chart, or go to it with Tab, and press L.');
  else like();
}

function withFocus(model: CompareModel, act: (id: string) => void): void {
  if (model.cursor.focus === null) showToast('Point at a line or at a run’s name first.');
  else act(model.cursor.focus);
}

function hideOrShow(model: CompareModel): void {
  if (model.cursor.focus !== null) model.toggleHidden(model.cursor.focus);
  else model.address.set({ hide: [] }, { replace: true });
}
