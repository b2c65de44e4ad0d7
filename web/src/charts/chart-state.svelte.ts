/**
 * What one chart does between its columns and its canvases: ranges, when to draw, what pointer and keys mean. The base is
 * drawn when what it shows changed and it is near the screen; the overlay once a frame while somebody points.
 */
import type { Axis } from '@/domain/frame';
import { firstAtOrAfter, nearestIndex } from '@/domain/nearest';
import type { SharedCursor } from './cursor.svelte';
import type { Hands } from './gestures';
import { isCrossing, yExtent, type ChartView, type LineColumns } from './lines';
import { drawOverlay, findNearest } from './overlay';
import type { Picture } from './picture';
import type { Box } from './places';
import type { Plot } from './plot';
import { padRange, widenRange, type Range } from './range';
import { currentPalette } from './theme.svelte';

// uPlot is on its way while the page's data are; a page without curves never asks for it.
let plotModule: Promise<typeof import('./plot')> | null = null;

/** Fetch what draws; a page that will have curves calls it while its data are on their way. */
export function loadPlot(): Promise<typeof import('./plot')> {
  plotModule ??= import('./plot');
  return plotModule;
}

export interface ChartInput {
  readonly id: string;
  readonly data: { readonly lines: readonly LineColumns[]; readonly xs: Float64Array };
  readonly view: ChartView;
  readonly cursor: SharedCursor;
  readonly zoom: { readonly range: Range | null; readonly set: (range: Range | null) => void };
}

const roundTo = (axis: Axis, x: number): number => (axis === 'step' ? Math.round(x) : x);

export class ChartState {
  isSeen = $state(false);
  isByKey = $state(false);
  overlay = $state<HTMLCanvasElement | null>(null);
  width = $state(0);
  height = $state(0);
  /** A zoom of y is one chart's own: another metric has other values. */
  yZoom = $state.raw<Range | null>(null);
  private drag = $state.raw<Box | null>(null);
  private plot = $state.raw<Plot | null>(null);
  private frame = 0;

  readonly hands: Hands = {
    point: (x, y) => this.pointAt(x, y),
    leave: () => this.input().cursor.leave(this.input().id),
    drag: (box) => (this.drag = box),
    zoomX: (from, to) => {
      this.zoomTo(this.plot?.fromX(from) ?? 0, this.plot?.fromX(to) ?? 1);
      // What was pointed at has moved, perhaps out of sight.
      this.input().cursor.leave(this.input().id);
    },
    zoomY: (from, to) => (this.yZoom = [this.plot?.fromY(from) ?? 0, this.plot?.fromY(to) ?? 1]),
    reset: () => this.showAll(),
    click: () => this.input().cursor.take(this.input().cursor.hovered),
    area: () => this.plot?.area ?? null,
  };

  readonly picture: Picture | null = $derived.by(() => this.toPicture());

  constructor(private readonly input: () => ChartInput) {
    $effect(() => {
      if (this.plot === null || this.picture === null || !this.isSeen || this.width < 40 || this.height < 40) return;
      this.plot.show(this.picture, this.width, this.height);
      this.scheduleOverlay();
    });
    $effect(() => {
      const { cursor } = this.input();
      // Read here, so that the effect runs when they change; drawn in the next frame.
      void [cursor.x, cursor.focus, this.drag];
      if (this.isSeen) this.scheduleOverlay();
    });
  }

  mount(host: HTMLElement): () => void {
    let isGone = false;
    void loadPlot().then(({ Plot }) => {
      if (!isGone) this.plot = new Plot(host);
    });
    return () => {
      isGone = true;
      cancelAnimationFrame(this.frame);
      this.plot?.destroy();
      this.plot = null;
    };
  }

  resize(width: number, height: number): void {
    this.width = width;
    this.height = height;
    if (this.overlay === null) return;
    this.overlay.width = Math.round(width * devicePixelRatio);
    this.overlay.height = Math.round(height * devicePixelRatio);
    this.scheduleOverlay();
  }

  /** For the tooltip and the exports. */
  getPlot(): Plot | null {
    return this.plot;
  }

  showAll(): void {
    this.yZoom = null;
    this.input().zoom.set(null);
  }

  handleKey(event: KeyboardEvent): void {
    const { cursor, id } = this.input();
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'Escape' && (cursor.source === id || this.input().zoom.range !== null || this.yZoom !== null)) {
      this.showAll();
      cursor.leave(id);
    } else if (!this.moveByKey(event) && !this.zoomByKey(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  private moveByKey({ key, shiftKey }: KeyboardEvent): boolean {
    const { cursor, data, id } = this.input();
    const [from, to] = this.visibleIndices();
    const stride = Math.max(1, Math.round((to - from) / (shiftKey ? 10 : 100)));
    const now = cursor.x === null ? (key === 'ArrowLeft' ? to + stride : from - stride) : nearestIndex(data.xs, cursor.x);
    const places: Readonly<Record<string, number>> = { ArrowLeft: now - stride, ArrowRight: now + stride, Home: from, End: to };
    const place = places[key];
    if (place === undefined) return false;
    const x = data.xs[Math.min(Math.max(place, from), to)];
    this.isByKey = true;
    if (x !== undefined) cursor.pointAt(id, x, cursor.hovered);
    return true;
  }

  private zoomByKey(key: string): boolean {
    const range = this.picture?.xRange;
    if (range === undefined || !['+', '=', '-', '_'].includes(key)) return false;
    const centre = this.input().cursor.x ?? (range[0] + range[1]) / 2;
    const factor = key === '+' || key === '=' ? 0.5 : 2;
    const all = this.input().data.xs.length > 0 ? this.fullRange() : range;
    const [low, high] = [centre - (centre - range[0]) * factor, centre + (range[1] - centre) * factor];
    if (low <= all[0] && high >= all[1]) this.input().zoom.set(null);
    else this.zoomTo(Math.max(low, all[0]), Math.min(high, all[1]));
    return true;
  }

  private visibleIndices(): readonly [number, number] {
    const { xs } = this.input().data;
    const [low, high] = this.picture?.xRange ?? [0, 0];
    return [firstAtOrAfter(xs, low), Math.max(0, firstAtOrAfter(xs, high + 1e-9) - 1)];
  }

  private pointAt(px: number, py: number): void {
    const { cursor, id, data } = this.input();
    const { plot, picture } = this;
    this.isByKey = false;
    if (plot === null || picture === null || plot.area === null) return;
    const { left, width } = plot.area;
    if (px < left - 2 || px > left + width + 2) {
      cursor.leave(id);
      return;
    }
    // Where lines only cross there is no point to snap to.
    const x = data.xs[nearestIndex(data.xs, plot.fromX(px))] ?? roundTo(picture.view.axis, plot.fromX(px));
    cursor.pointAt(id, x, findNearest(plot, picture, px, py));
  }

  private zoomTo(low: number, high: number): void {
    if (high > low) this.input().zoom.set([low, high]);
  }

  private scheduleOverlay(): void {
    if (this.frame !== 0) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      const { cursor } = this.input();
      if (this.overlay === null || this.plot === null || this.picture === null) return;
      drawOverlay(this.overlay, this.plot, this.picture, { x: cursor.x, focus: cursor.focus, drag: this.drag });
    });
  }

  private fullRange(): Range {
    const { xs } = this.input().data;
    return widenRange(xs[0] ?? 0, xs.at(-1) ?? 1);
  }

  private toPicture(): Picture | null {
    const { data, view, zoom } = this.input();
    if (data.xs.length === 0 && !data.lines.some(isCrossing)) return null;
    const xRange = zoom.range ?? this.fullRange();
    const extent = yExtent(data.lines, data.xs, view, xRange[0], xRange[1]);
    const yRange = this.yZoom ?? padRange(extent?.low ?? Number.NaN, extent?.high ?? Number.NaN, view.scale);
    return { ...data, view, xRange, yRange, isClipped: extent?.isClipped ?? false, palette: currentPalette() };
  }
}
