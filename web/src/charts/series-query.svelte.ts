/**
 * Asks for the frame of one chart: again when the question changed or news came, and only while the chart is near the
 * screen. What is shown stays until the answer is there, and is dimmed when that takes longer than 150 ms.
 */
import { parseFrame, type Axis, type Frame } from '@/domain/frame';

export interface SeriesAsk {
  readonly axis: Axis;
  readonly columns: number;
  readonly smoothing: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly series: readonly { readonly run: string; readonly metric: string; readonly rank: number }[];
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
  failure = $state.raw<Failure | null>(null);
  isDim = $state(false);
  private askedKey = '';
  private abort: AbortController | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** `read` gives the question, what news it was asked after, and whether it is to be asked now. */
  constructor(
    private readonly read: () => { ask: SeriesAsk; news: number; isWanted: boolean },
    private readonly load: () => LoadFrame,
  ) {
    $effect(() => {
      const { ask, news, isWanted } = this.read();
      const key = `${news} ${JSON.stringify(ask)}`;
      if (!isWanted || key === this.askedKey || ask.series.length === 0) return;
      void this.send(ask, key);
    });
    $effect(() => () => {
      this.abort?.abort();
      clearTimeout(this.timer);
    });
  }

  retry(): void {
    const { ask, news } = this.read();
    void this.send(ask, `${news} ${JSON.stringify(ask)}`);
  }

  private async send(ask: SeriesAsk, key: string): Promise<void> {
    this.abort?.abort();
    const abort = new AbortController();
    this.abort = abort;
    this.askedKey = key;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => (this.isDim = this.frame !== null), DIM_AFTER_MS);
    try {
      const frame = parseFrame(await this.load()(ask, abort.signal));
      if (abort.signal.aborted) return;
      this.frame = frame;
      this.failure = null;
    } catch (cause) {
      if (abort.signal.aborted) return;
      this.failure = toFailure(cause);
    } finally {
      if (this.abort === abort) {
        clearTimeout(this.timer);
        this.isDim = false;
      }
    }
  }
}

function toFailure(cause: unknown): Failure {
  const message = cause instanceof Error ? cause.message : String(cause);
  const code = cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : 'chart.frame';
  return { code, message };
}
