/**
 * What the compare page shows: which runs, which of them hidden, which the baseline, all kept in the address bar. The
 * comparison itself comes from the server; nothing here is kept twice.
 */
import { RunNews } from '@/api/news.svelte';
import { toApiError } from '@/api/client';
import { liveQuery } from '@/api/queries.svelte';
import { editRuns, undoBulk } from '@/api/resources';
import { askComparison } from '@/api/run-resources';
import { askRun } from '@/api/whole-run';
import type { ComparedMetric, Comparison } from '@/api/run-types';
import type { RunRow } from '@/api/types';
import { SharedCursor } from '@/charts/cursor.svelte';
import type { ChartLine } from '@/charts/lines';
import { tellApart } from '@/domain/colour';
import { showToast } from '@/state/toasts.svelte';
import { list, text, type Codecs } from '@/state/codec';
import { ChartViewState } from '@/state/chart-view.svelte';
import { UrlValues } from '@/state/url.svelte';

const codecs = { runs: list(), hide: list(), base: text(), q: text(), top: text() } satisfies Codecs;

export class CompareModel {
  readonly view = new ChartViewState();
  readonly cursor = new SharedCursor({ read: () => this.view.zoom, write: (zoom) => this.view.setZoom(zoom) });
  readonly address = new UrlValues(codecs);
  readonly ids = $derived.by(() => [...new Set(this.address.now.runs)]);
  readonly query = liveQuery(() => (this.ids.length === 0 ? null : askComparison(this.ids)));
  // The first run's detail says which metrics are curves: a number that was logged once makes no picture.
  private readonly firstRun = liveQuery(() => {
    const [first] = this.ids;
    return first === undefined ? null : askRun(first);
  });
  readonly news = new RunNews(() => this.ids);

  /** The last answer may be of other runs for a moment: those that were taken out are left out at once. */
  readonly found: Comparison | undefined = $derived.by(() => pickRuns(this.query.data, this.ids));
  readonly slots = $derived.by(() => new Map(this.toSlots(this.found?.runs ?? [])));
  readonly baseline = $derived.by(() => {
    const runs = this.found?.runs ?? [];
    return runs.find(({ id }) => id === this.address.now.base)?.id ?? null;
  });
  readonly hidden = $derived.by(() => new Set(this.address.now.hide));

  private readonly single = $derived.by(() => new Set((this.firstRun.data?.metrics ?? []).flatMap(({ name, n }) => (n === 1 ? [name] : []))));

  /** Metrics that are looked for; the chosen one, else the first, is drawn large. */
  readonly metrics = $derived.by(() => filterMetrics(this.found?.metrics ?? [], this.address.now.q));
  readonly lead = $derived.by(() => this.metrics.find(({ key }) => key === this.address.now.top) ?? chooseLead(this.metrics, this.single));
  readonly others = $derived.by(() => {
    const rest = this.metrics.filter((metric) => metric !== this.lead);
    return [...rest.filter(({ key }) => !this.single.has(key)), ...rest.filter(({ key }) => this.single.has(key))];
  });
  /** Ranks of the first run: runs that are compared are mostly of one size. */
  readonly ranks = $derived.by(() => this.firstRun.data?.ranks ?? []);
  readonly isReady = $derived.by(() => this.found !== undefined && (this.firstRun.data !== undefined || this.firstRun.error !== null));

  lines(metric: ComparedMetric): ChartLine[] {
    return (this.found?.runs ?? []).flatMap((run, index) => {
      if (metric.values[index] === null || this.hidden.has(run.id)) return [];
      const { id, name, state } = run;
      return [
        { run: id, metric: metric.key, name, slot: this.slots.get(id) ?? 0, isLive: state === 'running', isBaseline: id === this.baseline },
      ];
    });
  }

  /**
   * Whether a metric's chart is liked, and how to like it. A chart of several runs is liked in each of them that has the
   * metric, so that it is found again from any; the first of them tells whether it is.
   */
  likeOf({ key, values }: ComparedMetric): { isOn: boolean; toggle: () => void } {
    const target = `metric:${key}`;
    const isOn = (this.firstRun.data?.likes[target] ?? []).length > 0;
    const runs = (this.found?.runs ?? []).flatMap(({ id }, index) => (values[index] === null ? [] : [id]));
    return { isOn, toggle: () => void this.likeIn(runs, target, !isOn) };
  }

  private async likeIn(runs: readonly string[], target: string, isOn: boolean): Promise<void> {
    const name = target.replace('metric:', '');
    const reload = (): void => this.firstRun.reload();
    this.firstRun.patch((detail) => ({ ...detail, likes: { ...detail.likes, [target]: isOn ? [''] : [] } }));
    try {
      const { undo_token: token } = await editRuns(runs, [{ kind: 'like', on: isOn, target }]);
      const undo = token === null ? {} : { undo: () => undoBulk(token).then(reload, reload) };
      showToast(isOn ? `Liked ${name} in ${runs.length} runs.` : `${name} is no longer liked.`, undo);
    } catch (cause) {
      showToast(toApiError(cause)?.message ?? 'The chart was not liked.', { isError: true });
      reload();
    }
  }

  addRun(id: string): void {
    this.address.set({ runs: [...this.ids, id] });
  }

  removeRun(id: string): void {
    const { hide, base } = this.address.now;
    this.address.set({ runs: this.ids.filter((one) => one !== id), hide: hide.filter((one) => one !== id), base: base === id ? '' : base });
  }

  toggleHidden(id: string): void {
    const { hide } = this.address.now;
    this.address.set({ hide: hide.includes(id) ? hide.filter((one) => one !== id) : [...hide, id] }, { replace: true });
  }

  /** Hide all others; if they are hidden already, show all. */
  toggleSolo(id: string): void {
    const others = this.ids.filter((one) => one !== id);
    const isSolo = others.every((one) => this.hidden.has(one)) && !this.hidden.has(id);
    this.address.set({ hide: isSolo ? [] : others }, { replace: true });
  }

  toggleBaseline(id: string): void {
    this.address.set({ base: this.baseline === id ? '' : id }, { replace: true });
  }

  private toSlots(runs: readonly RunRow[]): [string, number][] {
    const slots = tellApart(runs.map(({ slot }) => slot));
    return runs.map(({ id }, index) => [id, slots[index] ?? 0]);
  }
}

/** The first of the metrics that most runs logged, more than once where that is known. Pure. */
export function chooseLead(metrics: readonly ComparedMetric[], single: ReadonlySet<string>): ComparedMetric | undefined {
  const coverOf = ({ values }: ComparedMetric): number => values.filter((value) => value !== null).length;
  const curves = metrics.filter(({ key }) => !single.has(key));
  const candidates = curves.length > 0 ? curves : metrics;
  const most = Math.max(0, ...candidates.map(coverOf));
  return candidates.find((metric) => coverOf(metric) === most);
}

/** Metrics whose name holds every word, in any case. Pure. */
export function filterMetrics(metrics: readonly ComparedMetric[], words: string): readonly ComparedMetric[] {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  return wanted.length === 0 ? metrics : metrics.filter(({ key }) => wanted.every((word) => key.toLowerCase().includes(word)));
}

/** A comparison of fewer runs, cut from one that was answered. Which is best is taken from what is left. Pure. */
export function pickRuns(found: Comparison | undefined, ids: readonly string[]): Comparison | undefined {
  if (found === undefined) return undefined;
  const wanted = new Set(ids);
  const places = found.runs.flatMap(({ id }, index) => (wanted.has(id) ? [index] : []));
  if (places.length === found.runs.length) return found;
  const take = <T>(values: readonly T[]): T[] => places.flatMap((place) => values.slice(place, place + 1));
  const takeRow = (row: Comparison['params'][number]) => ({ ...row, values: take(row.values), present: take(row.present) });
  return {
    ...found,
    runs: take(found.runs),
    metrics: found.metrics.map((metric) => ({
      ...metric,
      values: take(metric.values),
      best: metric.best.flatMap((place) => (places.includes(place) ? [places.indexOf(place)] : [])),
    })),
    params: found.params.map(takeRow),
    attributes: found.attributes.map(takeRow),
  };
}
