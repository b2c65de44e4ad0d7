// Keys of every page with curves, in one list, so that pages cannot come to differ. What a chart in focus takes itself is
// listed beside them and does nothing here.
import type { ChartViewState } from './chart-view.svelte';
import type { Command } from './keys.svelte';

/** Commands over the view of a page's curves; `zoomOut` shows all of x again. */
export function chartCommands(view: ChartViewState, zoomOut: () => void): Command[] {
  const group = 'Curves';
  const inFocus = { group, isHint: true, isOffered: false, run: () => {} };
  return [
    { keys: '1', label: 'Show curves by step', group, run: () => view.change({ axis: 'step' }) },
    { keys: '2', label: 'Show curves by time since start', group, run: () => view.change({ axis: 'relative' }) },
    { keys: '3', label: 'Show curves by wall time', group, run: () => view.change({ axis: 'time' }) },
    { keys: ',', label: 'Smooth less', group, run: () => view.smooth(-1) },
    { keys: '.', label: 'Smooth more', group, run: () => view.smooth(1) },
    { keys: 'O', label: 'Linear or log axis', group, run: () => view.change({ scale: view.now.scale === 'log' ? 'linear' : 'log' }) },
    { keys: '0', label: 'Zoom out to everything', group, run: zoomOut },
    { keys: 'ArrowLeft', label: 'Chart in focus: cursor to the left, with Shift faster', ...inFocus },
    { keys: 'ArrowRight', label: 'Chart in focus: cursor to the right, with Shift faster', ...inFocus },
    { keys: 'Home', label: 'Chart in focus: cursor to the first point', ...inFocus },
    { keys: 'End', label: 'Chart in focus: cursor to the last point', ...inFocus },
    { keys: '+', label: 'Chart in focus: zoom in at the cursor', ...inFocus },
    { keys: '-', label: 'Chart in focus: zoom out', ...inFocus },
    { keys: 'Escape', label: 'Chart in focus: show everything', ...inFocus },
  ];
}
