/**
 * A chart's base canvas: uPlot does scales, axes and the order of drawing, our traces do the lines. One instance a chart;
 * `show` gives it new columns, and rebuilds it only when the number of lines or the kind of scale changed.
 */
import 'uplot/dist/uPlot.min.css';
import uPlot from 'uplot';
import { symlog, symlogInverse, type Scale } from '@/domain/ticks';
import { dashOf, withAlpha, type Picture } from './picture';
import { drawMarks } from './marks';
import { symlogThreshold, xTicks, yTicks } from './range';
import { runColour } from './theme.svelte';
import { hasRawUnder, traceBand, traceLine, traceRaw, type Places } from './trace';

const AXIS_HEIGHT_PX = 24;
/** Room that a tick's words need, with air. */
const X_ROOM_PX = { step: 62, relative: 78, time: 92, metric: 62 } as const;
const RAW_ALPHA = 0.17;
const BAND_ALPHA = 0.1;
const LINE_PX = 1.6;
/** From so many lines on each is thinner, and what lies under it fainter: together they are a density, not a knot. */
const MANY_LINES = 25;
const MANY_FADE = 0.35;

export class Plot {
  private chart: uPlot | null = null;
  private shape = '';
  private picture: Picture | null = null;

  constructor(private readonly host: HTMLElement) {}

  /** The plotting area in CSS pixels from the host's corner; null before anything is drawn. */
  get area(): { left: number; top: number; width: number; height: number } | null {
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
    // What uPlot takes once, when it is made; anything else is read from the picture as it draws.
    const shape = `${picture.view.scale} ${picture.lines.length >= MANY_LINES} ${picture.lines.map((line) => dashOf(line).join()).join(' ')}`;
    if (this.chart === null || shape !== this.shape) {
      this.chart?.destroy();
      this.shape = shape;
      this.chart = new uPlot(this.buildOptions(picture, width, height), this.toData(picture), this.host);
      return;
    }
    const chart = this.chart;
    chart.batch(() => {
      if (chart.width !== width || chart.height !== height) chart.setSize({ width, height });
      chart.setData(this.toData(picture), true);
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

  /** Where values stand, in CSS pixels from the host's corner; for the overlay and the exports. */
  places(): Places {
    const xs = this.picture?.xs ?? new Float64Array(0);
    return { x: (index) => this.toX(xs[index] ?? Number.NaN), y: (value) => this.toY(value) };
  }

  private toData({ lines, xs }: Picture): uPlot.AlignedData {
    // uPlot draws with our traces, which read the picture; it only needs columns as long as x.
    const filler = new Array<number | null>(xs.length).fill(1);
    return [xs, ...lines.flatMap(() => [filler, filler])];
  }

  private buildOptions(picture: Picture, width: number, height: number): uPlot.Options {
    const raws = picture.lines.map((_, index) => this.buildRaw(index));
    const mains = picture.lines.map((line, index) => this.buildMain(index, dashOf(line)));
    return {
      width,
      height,
      padding: [8, 12, 0, 0],
      legend: { show: false },
      cursor: { show: false },
      scales: {
        x: { time: false, auto: true, range: () => [...(this.picture?.xRange ?? [0, 1])] },
        y: this.buildScale(picture.view.scale),
      },
      axes: [this.buildXAxis(), this.buildYAxis()],
      series: [{}, ...raws, ...mains],
      hooks: { draw: [(chart) => this.picture !== null && drawMarks(chart, this.picture)] },
    };
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

  private buildRaw(index: number): uPlot.Series {
    return {
      scale: 'y',
      width: 1,
      points: { show: false },
      stroke: () => this.colourOf(index, RAW_ALPHA * (this.isMany ? MANY_FADE : 1)),
      fill: () => this.colourOf(index, BAND_ALPHA * (this.isMany ? MANY_FADE : 1)),
      paths: (chart) => this.traceUnder(chart, index),
    };
  }

  private buildMain(index: number, dash: readonly number[]): uPlot.Series {
    return {
      scale: 'y',
      width: this.isMany ? 1 : LINE_PX,
      // Round caps would close the gaps of a dash.
      cap: dash.length > 0 ? 'butt' : 'round',
      dash: dash.map((length) => length * uPlot.pxRatio),
      points: { show: false },
      stroke: () => this.colourOf(index, 1),
      paths: (chart) => {
        const line = this.picture?.lines[index];
        if (line === undefined) return null;
        const stroke = new Path2D();
        traceLine(stroke, line, this.devicePlaces(chart));
        return { stroke, fill: null, flags: 0 };
      },
    };
  }

  private traceUnder(chart: uPlot, index: number): uPlot.Series.Paths | null {
    const line = this.picture?.lines[index];
    if (this.picture === null || line === undefined) return null;
    const places = this.devicePlaces(chart);
    const stroke = new Path2D();
    const fill = new Path2D();
    if (this.picture.view.hasRaw && hasRawUnder(line)) traceRaw(stroke, line, places);
    if (this.picture.view.hasBand) traceBand(fill, line, places);
    return { stroke, fill, flags: 0 };
  }

  /** Where values stand in device pixels. Linear scales are worked out here: asking uPlot point by point costs as much as drawing. */
  private devicePlaces(chart: uPlot): Places {
    const xs = this.picture?.xs ?? new Float64Array(0);
    const { left, top, width, height } = chart.bbox;
    const { x, y } = chart.scales;
    const [xLow, yLow] = [x?.min ?? 0, y?.min ?? 0];
    const xUnit = width / ((x?.max ?? 1) - xLow);
    const yUnit = height / ((y?.max ?? 1) - yLow);
    const scale = this.picture?.view.scale ?? 'linear';
    const toY = scale === 'linear' ? (value: number) => top + height - (value - yLow) * yUnit : (value: number) => (scale === 'log' && value <= 0 ? Number.NaN : chart.valToPos(value, 'y', true));
    return { x: (index) => left + ((xs[index] ?? Number.NaN) - xLow) * xUnit, y: toY };
  }

  private get isMany(): boolean {
    return (this.picture?.lines.length ?? 0) >= MANY_LINES;
  }

  private colourOf(index: number, alpha: number): string {
    const line = this.picture?.lines[index];
    if (this.picture === null || line === undefined) return 'transparent';
    return withAlpha(runColour(this.picture.palette, line.line.slot), alpha);
  }
}
