/**
 * What is drawn over the lines on the base canvas: triangles where a value was NaN or infinite, a dot where a running run
 * stands, and ticks at the edge where a clipped range cuts lines off.
 */
import type { LineColumns } from './lines';
import type { Picture } from './picture';
import type { Box, Places } from './places';
import { runColour } from './theme.svelte';
import { placeMarks, type MarkKind } from './trace';

export function drawMarks(ctx: CanvasRenderingContext2D, picture: Picture, places: Places, box: Box): void {
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.setLineDash([]);
  ctx.fillStyle = picture.palette.bad;
  for (const { kind, x } of placeMarks(picture.lines, places, 4 * ratio)) {
    drawTriangle(ctx, x, kind === 'posInf' ? box.top : box.top + box.height, ratio, kind);
  }
  if (picture.isClipped) drawCut(ctx, box, ratio);
  for (const line of picture.lines) {
    const points = line.lone.map((index) => ({ index, isLive: false }));
    if (line.line.isLive === true) points.push({ index: line.before.at(-1) ?? -1, isLive: true });
    for (const point of points) drawPoint(ctx, { picture, places, box }, line, point);
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
function drawCut(ctx: CanvasRenderingContext2D, box: Box, ratio: number): void {
  ctx.lineWidth = ratio;
  ctx.strokeStyle = ctx.fillStyle;
  ctx.setLineDash([2 * ratio, 3 * ratio]);
  for (const y of [box.top, box.top + box.height]) {
    ctx.beginPath();
    ctx.moveTo(box.left, y);
    ctx.lineTo(box.left + box.width, y);
    ctx.stroke();
  }
  ctx.setLineDash([]);
}

interface Point {
  readonly index: number;
  readonly isLive: boolean;
}

function drawPoint(ctx: CanvasRenderingContext2D, on: { picture: Picture; places: Places; box: Box }, line: LineColumns, { index, isLive }: Point): void {
  const { picture, places, box } = on;
  const x = places.px[index] ?? Number.NaN;
  const y = places.y(line.main[index] ?? Number.NaN);
  const isInside = x >= box.left && x <= box.left + box.width && y >= box.top && y <= box.top + box.height;
  if (!isInside) return;
  const colour = runColour(picture.palette, line.line.slot);
  if (isLive) drawHalo(ctx, x, y, devicePixelRatio, colour);
  drawDot(ctx, x, y, devicePixelRatio, colour, picture.palette.panel);
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
