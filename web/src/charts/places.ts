/**
 * Where values stand on a picture: pixels of x, worked out once for all lines, and how y becomes pixels. In double precision,
 * as times in seconds and one spike of 1e30 both want, and without asking uPlot point by point, which costs as much as drawing.
 */
import { firstAtOrAfter } from '@/domain/nearest';
import { symlog } from '@/domain/ticks';
import type { Picture } from './picture';
import { symlogThreshold, type Range } from './range';

export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

export interface Places {
  /** Pixel of any x. */
  readonly x: (value: number) => number;
  /** Pixel of each x. */
  readonly px: Float64Array;
  /** Pixel of a value; NaN where it cannot stand there, as 0 on a log axis. */
  readonly y: (value: number) => number;
  /** Indices in sight: the first, and the one behind the last. */
  readonly from: number;
  readonly to: number;
}

type Where = Pick<Picture, 'xs' | 'xRange' | 'yRange'> & { readonly view: Pick<Picture['view'], 'scale'> };

/** Where a picture's values stand in a box, in the units of the box. */
export function placesIn({ xs, xRange, yRange, view }: Where, box: Box): Places {
  const px = new Float64Array(xs.length);
  const unit = box.width / (xRange[1] - xRange[0]);
  const x = (value: number): number => box.left + (value - xRange[0]) * unit;
  for (let index = 0; index < px.length; index += 1) px[index] = x(xs[index] ?? Number.NaN);
  const from = firstAtOrAfter(xs, xRange[0]);
  const last = firstAtOrAfter(xs, xRange[1]);
  return { x, px, y: placeY(yRange, view.scale, box), from, to: xs[last] === xRange[1] ? last + 1 : last };
}

function placeY([low, high]: Range, scale: Picture['view']['scale'], { top, height }: Box): Places['y'] {
  const bottom = top + height;
  if (scale === 'linear') {
    const unit = height / (high - low);
    return (value) => bottom - (value - low) * unit;
  }
  const threshold = symlogThreshold(low, high);
  const map = scale === 'log' ? (value: number) => (value > 0 ? Math.log10(value) : Number.NaN) : (value: number) => symlog(value, threshold);
  const from = map(low);
  const unit = height / (map(high) - from);
  return (value) => bottom - (map(value) - from) * unit;
}
