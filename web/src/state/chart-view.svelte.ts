// How curves are looked at, kept in the address bar: the axis, smoothing, scale, band and raw line. The same keys on
// every page with curves, so that a link shows what its sender saw.
import { choice, number, type Codecs } from './codec';
import { UrlValues } from './url.svelte';

const codecs = {
  x: choice(['step', 'relative', 'time'], 'step'),
  y: choice(['linear', 'log', 'symlog'], 'linear'),
  ema: number(0.6),
  band: choice(['on', 'off'], 'on'),
  raw: choice(['on', 'off'], 'on'),
  clip: choice(['on', 'off'], 'off'),
} satisfies Codecs;

const smoothingMost = 0.99;

export interface View {
  readonly axis: 'step' | 'relative' | 'time';
  readonly scale: 'linear' | 'log' | 'symlog';
  readonly smoothing: number;
  readonly hasBand: boolean;
  readonly hasRaw: boolean;
  readonly isClipped: boolean;
}

export class ChartViewState {
  #values = new UrlValues(codecs);

  readonly now: View = $derived.by(() => {
    const { x, y, ema, band, raw, clip } = this.#values.now;
    return { axis: x, scale: y, smoothing: clampSmoothing(ema), hasBand: band === 'on', hasRaw: raw === 'on', isClipped: clip === 'on' };
  });

  /** Change the look; the address is rewritten, as no one wants a step back for each move of a slider. */
  change(change: Partial<View>): void {
    const next = { ...this.now, ...change };
    this.#values.set(
      {
        x: next.axis,
        y: next.scale,
        ema: clampSmoothing(next.smoothing),
        band: next.hasBand ? 'on' : 'off',
        raw: next.hasRaw ? 'on' : 'off',
        clip: next.isClipped ? 'on' : 'off',
      },
      { replace: true },
    );
  }

  /** A step of the slider up or down, as `.` and `,` do. */
  smooth(direction: 1 | -1): void {
    this.change({ smoothing: nextSmoothing(this.now.smoothing, direction) });
  }
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
