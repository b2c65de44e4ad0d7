/**
 * All metrics of a run that has more than its page brings along: the rest comes by pages, one after the other, once its
 * curves are looked at. Names and summaries only; each curve is asked for when it is in sight.
 */
import { askMetrics } from '@/api/run-resources';
import type { Metric, RunDetail } from '@/api/run-types';

const PAGE = 2000;

export class AllMetrics {
  private rest = $state.raw<readonly Metric[]>([]);
  private abort: AbortController | null = null;

  constructor(private readonly input: () => { run: RunDetail; isWanted: boolean }) {
    $effect(() => {
      const { run, isWanted } = this.input();
      if (isWanted && run.metrics.length < run.metrics_total && this.abort === null) void this.readRest(run);
    });
    $effect(() => () => this.abort?.abort());
  }

  readonly metrics: readonly Metric[] = $derived.by(() => {
    const { run } = this.input();
    return this.rest.length === 0 ? run.metrics : [...run.metrics, ...this.rest];
  });

  private async readRest({ row, metrics, metrics_total: total }: RunDetail): Promise<void> {
    const abort = new AbortController();
    this.abort = abort;
    for (let offset = metrics.length; offset < total; offset += PAGE) {
      // A page that does not come leaves what is here; the filter asks the server anew.
      const page = await askMetrics(row.id, '', offset, PAGE).read(abort.signal).catch(() => null);
      if (page === null || page.metrics.length === 0) return;
      this.rest = [...this.rest, ...page.metrics];
    }
  }
}
