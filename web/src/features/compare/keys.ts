/** The compare page's keys: 1 2 3 the axis, `,` and `.` smoothing, H shows what is hidden, Shift with a number one run alone. */
import { useCommands } from '@/state/keys.svelte';
import type { CompareModel } from './model.svelte';

export function useCompareKeys(model: CompareModel): void {
  const group = 'Compare';
  useCommands(() => [
    { keys: '1', label: 'Show curves by step', group, run: () => model.view.change({ axis: 'step' }) },
    { keys: '2', label: 'Show curves by time since start', group, run: () => model.view.change({ axis: 'relative' }) },
    { keys: '3', label: 'Show curves by wall time', group, run: () => model.view.change({ axis: 'time' }) },
    { keys: ',', label: 'Smooth less', group, run: () => model.view.smooth(-1) },
    { keys: '.', label: 'Smooth more', group, run: () => model.view.smooth(1) },
    { keys: 'O', label: 'Linear or log axis', group, run: () => model.view.change({ scale: model.view.now.scale === 'log' ? 'linear' : 'log' }) },
    { keys: 'B', label: 'Make the run in focus the baseline', group, run: () => model.cursor.focus !== null && model.toggleBaseline(model.cursor.focus) },
    { keys: 'H', label: 'Hide the run in focus, or show all', group, run: () => hideOrShow(model) },
    { keys: '0', label: 'Zoom out to everything', group, run: () => (model.cursor.zoom = null) },
  ]);
}

function hideOrShow(model: CompareModel): void {
  if (model.cursor.focus !== null) model.toggleHidden(model.cursor.focus);
  else model.address.set({ hide: [] }, { replace: true });
}
