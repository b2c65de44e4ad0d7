// What a page counts of itself while a test looks: handed to every page before its own scripts run, so it uses nothing from
// outside. `globalThis.counts.draws` is by chart: how often its base and its overlay were begun anew; `at` when each was.
export function countWork() {
  const counts = { draws: {}, at: [], longTasks: [], rowsAt: null };
  globalThis.counts = counts;
  // When the first rows of a table stood there to be painted, from the start of the load.
  const look = () => {
    if (document.querySelector('[role=row] [role=gridcell] a') === null) requestAnimationFrame(look);
    else requestAnimationFrame(() => (counts.rowsAt = performance.now()));
  };
  requestAnimationFrame(look);
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) counts.longTasks.push({ start: entry.startTime, ms: entry.duration });
  }).observe({ type: 'longtask', buffered: true });
  // Every redraw begins by clearing its canvas: uPlot's base, our overlay.
  const clear = CanvasRenderingContext2D.prototype.clearRect;
  CanvasRenderingContext2D.prototype.clearRect = function (...box) {
    const chart = this.canvas.closest('[role=slider]');
    if (chart !== null) {
      const name = /^Cursor of (.*?): /.exec(chart.ariaLabel ?? '')?.[1] ?? 'unnamed';
      const layer = this.canvas.classList.contains('overlay') ? 'overlay' : 'base';
      counts.draws[name] ??= { base: 0, overlay: 0 };
      counts.draws[name][layer] += 1;
      counts.at.push([name, layer, performance.now()]);
    }
    return clear.apply(this, box);
  };
}
