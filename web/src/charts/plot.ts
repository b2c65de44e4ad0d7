/**
 * A chart's base canvas: uPlot does scales, axes and sizes; the lines are drawn by ours in one go when it has drawn its
 * grid, so it knows of one empty series and what a line costs is its points. One instance a chart, rebuilt only when the
 * kind of scale changed.
 */
import 'uplot/dist/uPlot.min.css';
import uPlot from 'uplot';
import { symlog, symlogInverse, type Scale } from '@/domain/ticks';
import { drawLines } from './draw-lines';
import { drawMarks } from './marks';
import type { Picture } from './picture';
import { placesIn, type Box, type Places } from './places';
import { symlogThreshold, xTicks, yTicks } from './range';

const AXIS_HEIGHT_PX = 24;
/** Room that a tick's words need, with air. */
const X_ROOM_PX = { step: 62, relative: 78, time: 92, metric: 62 } as const;

export class Plot {
  private chart: uPlot | null = null;
  private scale: Scale | null = null;
  private picture: Picture | null = null;

  constructor(private readonly host: HTMLElement) {}

  /** The plotting area in CSS pixels from the host's corner; null before anything is drawn. */
  get area(): Box | null {
    if (this.chart === null) return null;
    const { left, top, width, height } = this.chart.bbox;
    const ratio = uPlot.pxRatio;
    return { left: left / ratio, top: top / ratio, width: width / ratio, height: height / ratio };
  }

  get canvas(): HTMLCanvasElement | null {
    return this.chart?.ctx.canvas ?? null;
  }

  show(picture: Picture, width: number, height: number): void {
    this.picture = picture;
    const { scale } = picture.view;
    if (this.chart === null || scale !== this.scale) {
      this.chart?.destroy();
      this.scale = scale;
      this.chart = new uPlot(this.buildOptions(scale, width, height), toData(picture), this.host);
      return;
    }
    const chart = this.chart;
    chart.batch(() => {
      if (chart.width !== width || chart.height !== height) chart.setSize({ width, height });
      chart.setData(toData(picture), true);
    });
  }

  destroy(): void {
    this.chart?.destroy();
    this.chart = null;
  }

  /** Pixels from the host's corner to x, and back. */
  toX(x: number): number {
    return this.chart === null ? Number.NaN : this.chart.valToPos(x, 'x') + (this.area?.left ?? 0);
  }

  toY(y: number): number {
    return this.chart === null ? Number.NaN : this.chart.valToPos(y, 'y') + (this.area?.top ?? 0);
  }

  fromX(px: number): number {
    return this.chart === null ? Number.NaN : this.chart.posToVal(px - (this.area?.left ?? 0), 'x');
  }

  fromY(px: number): number {
    return this.chart === null ? Number.NaN : this.chart.posToVal(px - (this.area?.top ?? 0), 'y');
  }

  /** Where values stand, in CSS pixels from the host's corner; for the overlay and the exports. Null before anything is drawn. */
  places(): Places | null {
    const { area, picture } = this;
    return area === null || picture === null ? null : placesIn(picture, area);
  }

  private buildOptions(scale: Scale, width: number, height: number): uPlot.Options {
    return {
      width,
      height,
      padding: [8, 12, 0, 0],
      legend: { show: false },
      cursor: { show: false },
      scales: {
        x: { time: false, auto: true, range: () => [...(this.picture?.xRange ?? [0, 1])] },
        y: this.buildScale(scale),
      },
      axes: [this.buildXAxis(), this.buildYAxis()],
      series: [{}, { scale: 'y', paths: () => null, points: { show: false } }],
      hooks: { draw: [(chart) => this.draw(chart)] },
    };
  }

  private draw({ ctx, bbox }: uPlot): void {
    if (this.picture === null) return;
    const places = placesIn(this.picture, bbox);
    drawLines(ctx, this.picture, places, bbox);
    drawMarks(ctx, this.picture, places, bbox);
  }

  private buildScale(scale: Scale): uPlot.Scale {
    const range = (): uPlot.Range.MinMax => [...(this.picture?.yRange ?? [0, 1])];
    if (scale === 'log') return { distr: 3, log: 10, auto: true, range };
    if (scale === 'linear') return { auto: true, range };
    const threshold = (): number => symlogThreshold(...(this.picture?.yRange ?? [0, 1]));
    return { distr: 100, auto: true, range, fwd: (value) => symlog(value, threshold()), bwd: (value) => symlogInverse(value, threshold()) };
  }

  private buildXAxis(): uPlot.Axis {
    const ticks = (chart: uPlot) => xTicks(this.picture?.xRange ?? [0, 1], this.picture?.view.axis ?? 'step', Math.max(3, chart.width / X_ROOM_PX[this.picture?.view.axis ?? 'step']));
    return {
      ...this.buildAxisLook(),
      size: AXIS_HEIGHT_PX,
      grid: { show: false },
      splits: (chart) => ticks(chart).ticks,
      values: (chart) => ticks(chart).words,
    };
  }

  private buildYAxis(): uPlot.Axis {
    const ticks = (chart: uPlot) => {
      const { yRange = [0, 1] as const, view } = this.picture ?? {};
      return yTicks(yRange, view?.scale ?? 'linear', Math.max(3, chart.height / 70));
    };
    return {
      ...this.buildAxisLook(),
      // As wide as its widest word, so that the plot keeps what it can.
      size: (chart) => 12 + 6.7 * Math.max(2, ...ticks(chart).words.map((word) => word.length)),
      grid: { stroke: () => this.picture?.palette.grid ?? 'gray', width: 1 },
      splits: (chart) => ticks(chart).ticks,
      values: (chart) => ticks(chart).words,
    };
  }

  private buildAxisLook(): uPlot.Axis {
    return {
      stroke: () => this.picture?.palette.quietInk ?? 'gray',
      font: `11px ${this.picture?.palette.numberFont ?? 'monospace'}`,
      ticks: { show: false },
      gap: 5,
      filter: (_, splits) => splits,
    };
  }
}

/** uPlot draws no line of its own: it only needs a column as long as x, and one that is not empty. */
function toData({ xs: read, xRange }: Picture): uPlot.AlignedData {
  const xs = read.length > 0 ? read : Float64Array.from(xRange);
  return [xs, new Float64Array(xs.length)];
}
