/** What a card's menu offers: its own scale, clipping, the table twin, and ways to take it out of the page. */
import { nameSource } from '@/domain/ranks';
import type { MenuItem } from '@/ui/Menu.svelte';
import type { ChartState } from './chart-state.svelte';
import type { CurveCardState } from './curve-card.svelte';
import { saveFile, toCsv, toSvg } from './export-chart';
import { dashOf } from './picture';
import { xTicks, yTicks } from './range';
import { runColour } from './theme.svelte';

export function buildMenu(card: CurveCardState, chart: () => ChartState | undefined): MenuItem[] {
  const { scale, isClipped } = card.view;
  const scales = [
    ['Linear', 'linear'],
    ['Log', 'log'],
    ['Symlog', 'symlog'],
  ] as const;
  return [
    ...scales.map(([label, own]): MenuItem => ({ label, isOn: scale === own, run: () => (card.ownScale = own) })),
    { label: 'Clip outliers (1–99 %)', isOn: isClipped, run: () => (card.ownClip = !isClipped) },
    { label: 'Gaps at missing points', isOn: card.hasGaps, run: () => (card.hasGaps = !card.hasGaps) },
    { label: 'Zoom this chart alone', isOn: card.isAlone, run: () => card.toggleAlone() },
    ...toRanks(card),
    ...toLike(card),
    { label: 'Show as table', isOn: card.isTable, run: () => (card.isTable = !card.isTable) },
    { label: 'Save as PNG', run: () => savePng(card, chart()) },
    { label: 'Save as SVG', run: () => saveSvg(card, chart()) },
    { label: 'Save as CSV', run: () => saveCsv(card) },
    ...(card.input().metric.actions ?? []),
  ];
}

function toRanks(card: CurveCardState): MenuItem[] {
  if ((card.input().metric.ranks ?? []).length < 2) return [];
  const { source } = card.view;
  return [{ label: nameSource('mean'), isOn: source === 'mean', run: () => (card.ownSource = source === 'mean' ? null : 'mean') }];
}

function toLike({ input }: CurveCardState): MenuItem[] {
  const { like } = input().metric;
  return like === undefined ? [] : [{ label: 'Liked', keys: 'L', isOn: like.isOn, run: like.toggle }];
}

function saveCsv(card: CurveCardState): void {
  const { axis, xMetric = 'x' } = card.view;
  const xName = axis === 'metric' ? xMetric : axis === 'step' ? 'step' : `${axis}_s`;
  const csv = toCsv(card.data.lines, card.data.xs, xName);
  saveFile(`${card.input().metric.name}.csv`, new Blob([csv], { type: 'text/csv' }));
}

/** The chart as it stands, on the panel's colour, as a canvas alone is see-through. */
function savePng(card: CurveCardState, chart: ChartState | undefined): void {
  const source = chart?.getPlot()?.canvas;
  const picture = chart?.picture;
  const target = document.createElement('canvas');
  const ctx = target.getContext('2d');
  if (source === null || source === undefined || picture === null || picture === undefined || ctx === null) return;
  const ratio = devicePixelRatio;
  const head = 26 * ratio;
  const row = 17 * ratio;
  target.width = source.width;
  target.height = source.height + head + row * picture.lines.length + 8 * ratio;
  ctx.fillStyle = picture.palette.panel;
  ctx.fillRect(0, 0, target.width, target.height);
  ctx.drawImage(source, 0, head);
  ctx.textBaseline = 'middle';
  ctx.font = `600 ${13 * ratio}px ${picture.palette.numberFont}`;
  ctx.fillStyle = picture.palette.ink;
  ctx.fillText(card.input().metric.name, 12 * ratio, head / 2 + 2 * ratio);
  ctx.font = `${11 * ratio}px ${picture.palette.numberFont}`;
  for (const [index, { line }] of picture.lines.entries()) {
    const y = head + source.height + row * (index + 0.5);
    ctx.fillStyle = runColour(picture.palette, line.slot);
    ctx.fillRect(12 * ratio, y - 4 * ratio, 9 * ratio, 9 * ratio);
    ctx.fillStyle = picture.palette.ink;
    ctx.fillText(line.name, 28 * ratio, y);
  }
  target.toBlob((blob) => blob !== null && saveFile(`${card.input().metric.name}.png`, blob));
}

function saveSvg(card: CurveCardState, chart: ChartState | undefined): void {
  const plot = chart?.getPlot();
  const picture = chart?.picture;
  const places = plot?.places() ?? null;
  if (plot === null || plot === undefined || picture === null || picture === undefined || plot.area === null || places === null) return;
  const x = xTicks(picture.xRange, picture.view.axis, 6);
  const y = yTicks(picture.yRange, picture.view.scale, 5);
  const svg = toSvg({
    title: card.input().metric.name,
    width: chart?.width ?? 0,
    height: chart?.height ?? 0,
    plot: plot.area,
    lines: picture.lines,
    places,
    xTicks: x.ticks.map((tick, index) => [plot.toX(tick), x.words[index] ?? '']),
    yTicks: y.ticks.map((tick, index) => [plot.toY(tick), y.words[index] ?? '']),
    hasBand: picture.view.hasBand,
    hasRaw: picture.view.hasRaw,
    colours: { ink: picture.palette.quietInk, grid: picture.palette.grid, panel: picture.palette.panel, of: (slot) => runColour(picture.palette, slot) },
    dashOf,
  });
  saveFile(`${card.input().metric.name}.svg`, new Blob([svg], { type: 'image/svg+xml' }));
}
