/**
 * Asks for the frame of one chart: again when the question changed or news came, and only while the chart is near the
 * screen. What is shown stays until the answer is there, and is dimmed when that takes longer than 150 ms.
 */
import { parseFrame, type Axis, type Frame } from '@/domain/frame';
import type { Reduction } from '@/domain/ranks';

export interface SeriesAsk {
  readonly axis: Axis;
  /** The metric that x is, where the axis is one. */
  readonly x_metric: string | null;
  readonly columns: number;
  readonly smoothing: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly series: readonly { readonly run: string; readonly metric: string; readonly rank: number | null; readonly reduce: Reduction | null }[];
}

/** Sends the question; the page gives it, as charts know no server. */
export type LoadFrame = (ask: SeriesAsk, signal: AbortSignal) => Promise<ArrayBuffer>;

export interface Failure {
  readonly code: string;
  readonly message: string;
}

const DIM_AFTER_MS = 150;

export class SeriesQuery {
  frame = $state.raw<Frame | null>(null);
  /** What `frame` answers; an older question while a new one is on its way. */
  answered = $state.raw<SeriesAsk | null>(null);
  failure = $state.raw<Failure | null>(null);
  isDim = $state(false);
  private askedFor = '';
  private askedNews = -1;
  private isBusy = false;
  private abort: AbortController | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** `read` gives the question, what news it was asked after, and whether it is to be asked now. */
  constructor(
    private readonly read: () => { ask: SeriesAsk; news: number; isWanted: boolean },
    private readonly load: () => LoadFrame,
  ) {
    $effect(() => {
      const { ask, news, isWanted } = this.read();
      const key = JSON.stringify(ask);
      if (!isWanted || ask.series.length === 0) return undefined;
      // What is there is drawn for the new view first: a question costs a millisecond, and a page has twenty charts.
      if (key !== this.askedFor && this.askedFor !== '') return afterPaint(() => void this.send(ask, key, news));
      if (key !== this.askedFor) void this.send(ask, key, news);
      // News may come faster than answers: one under way is awaited, never cut off.
      else if (news !== this.askedNews && !this.isBusy) void this.send(ask, key, news);
      return undefined;
    });
    $effect(() => () => {
      this.abort?.abort();
      clearTimeout(this.timer);
    });
  }

  retry(): void {
    const { ask, news } = this.read();
    void this.send(ask, JSON.stringify(ask), news);
  }

  /** News that came while an answer was under way. */
  private catchUp(): void {
    const { ask, news, isWanted } = this.read();
    if (isWanted && news !== this.askedNews) void this.send(ask, JSON.stringify(ask), news);
  }

  private async send(ask: SeriesAsk, key: string, news: number): Promise<void> {
    this.abort?.abort();
    const abort = new AbortController();
    this.abort = abort;
    const isOther = key !== this.askedFor;
    this.askedFor = key;
    this.askedNews = news;
    this.isBusy = true;
    clearTimeout(this.timer);
    // What grows by itself is not dimmed.
    if (isOther) this.timer = setTimeout(() => (this.isDim = this.frame !== null), DIM_AFTER_MS);
    try {
      const frame = parseFrame(await this.load()(ask, abort.signal));
      if (abort.signal.aborted) return;
      this.frame = frame;
      this.answered = ask;
      this.failure = null;
    } catch (cause) {
      if (abort.signal.aborted) return;
      this.failure = toFailure(cause);
    } finally {
      if (this.abort === abort) {
        clearTimeout(this.timer);
        this.isDim = false;
        this.isBusy = false;
        this.catchUp();
      }
    }
  }
}

/** Run in a task of its own once the next frame is painted; returns how to call it off. */
function afterPaint(run: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const frame = requestAnimationFrame(() => (timer = setTimeout(run)));
  return () => {
    cancelAnimationFrame(frame);
    clearTimeout(timer);
  };
}

function toFailure(cause: unknown): Failure {
  const message = cause instanceof Error ? cause.message : String(cause);
  const code = cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : 'chart.frame';
  return { code, message };
}
