/** What a chart draws, ready for its canvases; apart from `plot.ts`, which brings uPlot and loads when a chart is mounted. */
import { BASELINE_DASH, slotDash } from '@/domain/colour';
import type { ChartView, LineColumns } from './lines';
import type { Range } from './range';
import type { Palette } from './theme.svelte';

export interface Picture {
  readonly lines: readonly LineColumns[];
  readonly xs: Float64Array;
  readonly view: ChartView;
  readonly xRange: Range;
  readonly yRange: Range;
  readonly isClipped: boolean;
  readonly palette: Palette;
}

/** The dash of a line in CSS pixels: a baseline's own, else its slot's; empty = whole. */
export function dashOf({ line }: LineColumns): readonly number[] {
  return line.isBaseline === true ? BASELINE_DASH : slotDash(line.slot);
}

/** A `#rrggbb` or `#rgb` colour with an opacity of 0 to 1; other notations stay as they are. */
export function withAlpha(colour: string, alpha: number): string {
  // Builds shorten #112233 to #123.
  const whole = /^#[0-9a-f]{3}$/i.test(colour) ? colour.replaceAll(/[0-9a-f]/gi, '$&$&') : colour;
  if (!/^#[0-9a-f]{6}$/i.test(whole) || alpha >= 1) return colour;
  return whole + Math.round(alpha * 255).toString(16).padStart(2, '0');
}
