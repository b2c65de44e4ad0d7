// How curves are looked at, kept in the address bar: the axis, smoothing, scale, band and raw line. The same keys on
// every page with curves, so that a link shows what its sender saw.
import { parseSource, printSource, type RankSource } from '@/domain/ranks';
import { choice, number, text, type Codecs } from './codec';
import { UrlValues } from './url.svelte';

const look = {
  x: text('step'),
  rank: text(),
  y: choice(['linear', 'log', 'symlog'], 'linear'),
  ema: number(0.6),
  band: choice(['on', 'off'], 'on'),
  raw: choice(['on', 'off'], 'on'),
  clip: choice(['on', 'off'], 'off'),
} satisfies Codecs;
const codecs = { ...look, zoom: text() } satisfies Codecs;

const smoothingMost = 0.99;

export interface View {
  readonly axis: 'step' | 'relative' | 'time' | 'metric';
  /** The metric that x is, where the axis is one. */
  readonly xMetric?: string;
  /** Whose points, where several processes recorded a run. */
  readonly source: RankSource;
  readonly scale: 'linear' | 'log' | 'symlog';
  readonly smoothing: number;
  readonly hasBand: boolean;
  readonly hasRaw: boolean;
  readonly isClipped: boolean;
}

export class ChartViewState {
  #values = new UrlValues(codecs);
  // Apart, so that a zoom leaves the look, and all that is worked out for it, as it is.
  #look = new UrlValues(look);

  readonly now: View = $derived.by(() => {
    const { x, rank, y, ema, band, raw, clip } = this.#look.now;
    return { ...parseAxis(x), source: parseSource(rank), scale: y, smoothing: clampSmoothing(ema), hasBand: band === 'on', hasRaw: raw === 'on', isClipped: clip === 'on' };
  });

  /** The part of x that is looked at, in the axis's units; null = all of it. */
  readonly zoom: readonly [number, number] | null = $derived.by(() => parseZoom(this.#values.now.zoom));

  setZoom(zoom: readonly [number, number] | null): void {
    this.#values.set({ zoom: printZoom(zoom) }, { replace: true });
  }

  /** Change the look; the address is rewritten, as no one wants a step back for each move of a slider. */
  change(change: Partial<View>): void {
    const next = { ...this.now, ...change };
    const x = printAxis(next);
    this.#values.set(
      {
        x,
        rank: printSource(next.source),
        y: next.scale,
        ema: clampSmoothing(next.smoothing),
        band: next.hasBand ? 'on' : 'off',
        raw: next.hasRaw ? 'on' : 'off',
        clip: next.isClipped ? 'on' : 'off',
        // Steps are no seconds: a part of one axis means nothing on another.
        ...(x === printAxis(this.now) ? {} : { zoom: '' }),
      },
      { replace: true },
    );
  }

  /** A step of the slider up or down, as `.` and `,` do. */
  smooth(direction: 1 | -1): void {
    this.change({ smoothing: nextSmoothing(this.now.smoothing, direction) });
  }
}

/** `step`, `relative`, `time`, or `metric:tokens`; anything else is the step. */
export function parseAxis(value: string): Pick<View, 'axis' | 'xMetric'> {
  if (value.startsWith('metric:') && value.length > 'metric:'.length) return { axis: 'metric', xMetric: value.slice('metric:'.length) };
  return { axis: value === 'relative' || value === 'time' ? value : 'step' };
}

export function printAxis({ axis, xMetric = '' }: Pick<View, 'axis' | 'xMetric'>): string {
  return axis === 'metric' ? `metric:${xMetric}` : axis;
}

/** `5000~11000`; anything else is no zoom. */
export function parseZoom(value: string): readonly [number, number] | null {
  const found = /^([^~]+)~([^~]+)$/.exec(value);
  const [low, high] = [Number(found?.[1] ?? Number.NaN), Number(found?.[2] ?? Number.NaN)];
  return Number.isFinite(low) && Number.isFinite(high) && low < high ? [low, high] : null;
}

/** Seven digits say enough of where a hand let go; of wall time, milliseconds. */
export function printZoom(zoom: readonly [number, number] | null): string {
  if (zoom === null) return '';
  const print = (value: number): string => String(Math.abs(value) >= 1e7 ? Number(value.toFixed(3)) : Number(value.toPrecision(7)));
  return `${print(zoom[0])}~${print(zoom[1])}`;
}

/** Two decimals, at least 0 and below 1. */
export function clampSmoothing(value: number): number {
  return Number.isFinite(value) ? Math.round(Math.min(Math.max(value, 0), smoothingMost) * 100) / 100 : 0;
}

/** The next stop: tenths up to 0.9, hundredths beyond, where they matter as much. */
export function nextSmoothing(value: number, direction: 1 | -1): number {
  const stride = value > 0.9 || (value === 0.9 && direction === 1) ? 0.03 : 0.1;
  return clampSmoothing(value + stride * direction);
}
