/**
 * What a card does around its chart: which question it asks, what its own scale and zoom are, what its title says, what its
 * menu offers. The page's view holds for all cards; a card may look at itself on another scale.
 */
import type { RankSource } from '@/domain/ranks';
import type { Scale } from '@/domain/ticks';
import { formatReading } from '@/domain/axis-format';
import type { MenuItem } from '@/ui/Menu.svelte';
import type { PointedCard, SharedCursor } from './cursor.svelte';
import { countOdd, toAxisUnits, toColumns, type ChartLine, type ChartView, type LineColumns } from './lines';
import type { Range } from './range';
import { toReadout } from './readout';
import { SeriesQuery, type LoadFrame, type SeriesAsk } from './series-query.svelte';
import { steady } from './steady';

export interface ChartMetric {
  readonly name: string;
  /** What it is called on its card, where that is shorter than its name. */
  readonly title?: string;
  readonly direction: 'max' | 'min' | null;
  /** Ranks of its runs; with several, the menu offers them as one line. */
  readonly ranks?: readonly number[];
  /** Whether its chart is liked, and how that is changed; none = it cannot be. */
  readonly like?: { readonly isOn: boolean; readonly toggle: () => void };
  /** What the page offers of it, at the end of the card's menu. */
  readonly actions?: readonly MenuItem[];
}

export interface CardInput {
  readonly metric: ChartMetric;
  readonly lines: readonly ChartLine[];
  readonly view: ChartView;
  readonly cursor: SharedCursor;
  readonly load: LoadFrame;
  /** Rises when the server has news of these runs. */
  readonly news: number;
}

/** Widths are asked for in steps, so that a window that grows by a pixel asks nothing anew. */
const COLUMN_STEP = 100;
const COLUMNS_MOST = 3000;
/** What all lines of a chart have together: among thousands of lines nobody tells a column from the next. */
const CELLS_MOST = 600_000;
const COLUMNS_LEAST = 16;

export class CurveCardState {
  width = $state(0);
  isSeen = $state(false);
  isTable = $state(false);
  ownScale = $state<Scale | null>(null);
  ownSource = $state<RankSource>(null);
  ownClip = $state<boolean | null>(null);
  /** Zoom this chart without the others; what it then shows is its own. */
  isAlone = $state(false);
  /** With the axis that it was made on, as steps are no seconds. */
  private ownZoom = $state.raw<{ axis: string; range: Range | null }>({ axis: '', range: null });
  /** Break lines where points are missing, instead of bridging. */
  hasGaps = $state(false);

  readonly view: ChartView = $derived.by(() => {
    const { view } = this.input();
    const source = this.ownSource ?? view.source;
    return this.keepView({ ...view, ...(source === undefined ? {} : { source }), scale: this.ownScale ?? view.scale, isClipped: this.ownClip ?? view.isClipped });
  });
  readonly query: SeriesQuery;
  private pointed: PointedCard | null = null;
  private readonly keepView = steady<ChartView>();
  private readonly keepLines = steady<readonly ChartLine[]>();

  constructor(readonly input: () => CardInput) {
    this.query = new SeriesQuery(
      () => ({ ask: this.toAsk(), news: this.input().news, isWanted: this.isSeen && this.width > 0 }),
      () => this.input().load,
    );
  }

  private readonly lines: readonly ChartLine[] = $derived.by(() => this.keepLines(this.input().lines));

  /** What is drawn: only when the answer belongs to the axis that is looked at. */
  readonly data = $derived.by(() => {
    const { frame, answered } = this.query;
    const isOfAxis = frame?.axis === this.view.axis && answered?.x_metric === this.xMetric;
    if (frame === null || !isOfAxis) return { lines: [], xs: new Float64Array(0) };
    return { lines: toColumns(frame, this.lines, this.hasGaps), xs: toAxisUnits(frame) };
  });

  readonly odd = $derived.by(() => countOdd(this.data.lines, this.view.scale));

  private readonly range: Range | null = $derived.by(() => {
    if (!this.isAlone) return this.input().cursor.zoom;
    return this.ownZoom.axis === this.axisKey ? this.ownZoom.range : null;
  });

  readonly zoom = $derived.by(() => ({
    range: this.range,
    set: (range: Range | null) => {
      if (this.isAlone) this.ownZoom = { axis: this.axisKey, range };
      else this.input().cursor.zoom = range;
    },
  }));

  /** Part from the others' zoom, keeping what is shown, or join it again. */
  toggleAlone(): void {
    this.ownZoom = { axis: this.axisKey, range: this.input().cursor.zoom };
    this.isAlone = !this.isAlone;
  }

  /** The line and value in the title: at the cursor that in focus or the best there, else the best last value as logged. */
  readonly headline = $derived.by(() => {
    const { cursor, metric } = this.input();
    const { lines, xs } = this.data;
    const at = cursor.x === null ? lines.map((line) => ({ line: line.line, value: lastLogged(line) })) : null;
    if (at === null) {
      const rows = toReadout(lines, xs, cursor.x ?? Number.NaN, metric.direction);
      const row = rows.find(({ line }) => line.run === cursor.focus) ?? rows[0];
      return row === undefined || row.reading.kind !== 'value' ? null : { line: row.line, text: row.text };
    }
    const sign = metric.direction === 'min' ? 1 : -1;
    const [best] = at.flatMap(({ line, value }) => (value === undefined ? [] : [{ line, value }])).sort((a, b) => sign * (a.value - b.value));
    return best === undefined ? null : { line: best.line, text: formatReading(best.value) };
  });

  /** Keys that are about a chart mean this one; the inverse of `leave`. */
  enter(): void {
    const { cursor, metric } = this.input();
    this.pointed = { metric: metric.name, toggleLike: metric.like === undefined ? null : () => this.input().metric.like?.toggle() };
    cursor.card = this.pointed;
  }

  leave(): void {
    const { cursor } = this.input();
    if (cursor.card === this.pointed) cursor.card = null;
  }

  private get axisKey(): string {
    return `${this.view.axis} ${this.xMetric ?? ''}`;
  }

  private get xMetric(): string | null {
    return this.view.axis === 'metric' ? (this.view.xMetric ?? null) : null;
  }

  private toAsk(): SeriesAsk {
    const { lines } = this;
    const { axis, smoothing, source = null } = this.view;
    const [low = null, high = null] = this.zoom.range ?? [];
    const unit = axis === 'relative' || axis === 'time' ? 1e6 : 1;
    const isWhole = axis !== 'metric';
    const wanted = Math.ceil((this.width * devicePixelRatio) / COLUMN_STEP) * COLUMN_STEP;
    const most = Math.max(COLUMNS_LEAST, Math.floor(CELLS_MOST / Math.max(1, lines.length)));
    return {
      axis,
      x_metric: this.xMetric,
      columns: Math.min(COLUMNS_MOST, most, Math.max(COLUMN_STEP, wanted)),
      smoothing: smoothing > 0 ? smoothing : null,
      low: low === null ? null : isWhole ? Math.floor(low * unit) : low,
      high: high === null ? null : isWhole ? Math.ceil(high * unit) : high,
      series: lines.map(({ run, metric }) => ({ run, metric, rank: typeof source === 'number' ? source : null, reduce: typeof source === 'string' ? source : null })),
    };
  }
}

/** The value that tables call `last`, which a smoothed line only comes near. */
function lastLogged({ series, main, before, entry }: LineColumns): number | undefined {
  const at = before.at(-1) ?? -1;
  if (at < 0) return entry?.raw;
  const raw = series.last[at];
  return raw !== undefined && Number.isFinite(raw) ? raw : main[at];
}
