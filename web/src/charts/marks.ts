/**
 * What is drawn over the lines on the base canvas: triangles where a value was NaN or infinite, a dot where a running run
 * stands, and ticks at the edge where a clipped range cuts lines off.
 */
import type uPlot from 'uplot';
import type { LineColumns } from './lines';
import type { Picture } from './picture';
import { runColour } from './theme.svelte';
import { findLonePoints, placeMarks, type MarkKind } from './trace';

export function drawMarks(chart: uPlot, picture: Picture): void {
  const { ctx, bbox } = chart;
  const ratio = devicePixelRatio;
  const toX = (index: number): number => chart.valToPos(picture.xs[index] ?? Number.NaN, 'x', true);
  ctx.save();
  // uPlot leaves the dash of the last line behind.
  ctx.setLineDash([]);
  ctx.fillStyle = picture.palette.bad;
  for (const { kind, x } of placeMarks(picture.lines, toX, 4 * ratio)) {
    if (x < bbox.left - 1 || x > bbox.left + bbox.width + 1) continue;
    drawTriangle(ctx, x, kind === 'posInf' ? bbox.top : bbox.top + bbox.height, ratio, kind);
  }
  if (picture.isClipped) drawCut(ctx, bbox, ratio);
  for (const line of picture.lines) {
    for (const index of findLonePoints(line)) drawPoint(chart, picture, line, { index, isLive: false }, ratio);
    if (line.line.isLive === true) drawPoint(chart, picture, line, { index: line.before.at(-1) ?? -1, isLive: true }, ratio);
  }
  ctx.restore();
}

/** NaN and -inf stand on the lower edge, +inf hangs from the upper; infinities point to where they went. */
function drawTriangle(ctx: CanvasRenderingContext2D, x: number, edge: number, ratio: number, kind: MarkKind): void {
  const half = 4 * ratio;
  const height = 7 * ratio;
  const [tip, base] = kind === 'nan' ? [edge - height, edge] : kind === 'posInf' ? [edge, edge + height] : [edge, edge - height];
  ctx.beginPath();
  ctx.moveTo(x, tip);
  ctx.lineTo(x + half, base);
  ctx.lineTo(x - half, base);
  ctx.closePath();
  ctx.fill();
}

/** A torn edge above and below says that there is more. */
function drawCut(ctx: CanvasRenderingContext2D, bbox: uPlot.BBox, ratio: number): void {
  ctx.lineWidth = ratio;
  ctx.strokeStyle = ctx.fillStyle;
  ctx.setLineDash([2 * ratio, 3 * ratio]);
  for (const y of [bbox.top, bbox.top + bbox.height]) {
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
  }
  ctx.setLineDash([]);
}

interface Point {
  readonly index: number;
  readonly isLive: boolean;
}

function drawPoint(chart: uPlot, picture: Picture, line: LineColumns, { index, isLive }: Point, ratio: number): void {
  if (index < 0) return;
  const x = chart.valToPos(picture.xs[index] ?? Number.NaN, 'x', true);
  const y = chart.valToPos(line.main[index] ?? Number.NaN, 'y', true);
  const { left, width, top, height } = chart.bbox;
  if (!(x >= left && x <= left + width && y >= top && y <= top + height)) return;
  const colour = runColour(picture.palette, line.line.slot);
  if (isLive) drawHalo(chart.ctx, x, y, ratio, colour);
  drawDot(chart.ctx, x, y, ratio, colour, picture.palette.panel);
}

function drawHalo(ctx: CanvasRenderingContext2D, x: number, y: number, ratio: number, colour: string): void {
  ctx.fillStyle = colour;
  ctx.globalAlpha = 0.22;
  ctx.beginPath();
  ctx.arc(x, y, 7 * ratio, 0, Math.PI * 2);
  ctx.fill();
  ctx.globalAlpha = 1;
}

function drawDot(ctx: CanvasRenderingContext2D, x: number, y: number, ratio: number, colour: string, panel: string): void {
  ctx.fillStyle = colour;
  ctx.beginPath();
  ctx.arc(x, y, 3.5 * ratio, 0, Math.PI * 2);
  ctx.fill();
  ctx.lineWidth = 1.2 * ratio;
  ctx.strokeStyle = panel;
  ctx.stroke();
}
