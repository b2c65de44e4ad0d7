/**
 * A chart's upper canvas: the cursor, a dot on each line, the line in focus over the faded others, the box of a drag. It
 * is drawn as the pointer moves; the lines below are not.
 */
import { lineAt, readAt, type LineColumns } from './lines';
import { dashOf, withAlpha, type Picture } from './picture';
import type { Box } from './places';
import type { Plot } from './plot';
import { runColour } from './theme.svelte';
import { traceBand, traceLine } from './trace';

export interface Pointing {
  readonly x: number | null;
  readonly focus: string | null;
  readonly drag: Box | null;
}

const FADE = 0.66;

export function drawOverlay(canvas: HTMLCanvasElement, plot: Plot, picture: Picture, pointing: Pointing): void {
  const ctx = canvas.getContext('2d');
  const area = plot.area;
  if (ctx === null || area === null) return;
  ctx.setTransform(1, 0, 0, 1, 0, 0);
  ctx.clearRect(0, 0, canvas.width, canvas.height);
  ctx.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
  ctx.save();
  ctx.beginPath();
  ctx.rect(area.left, area.top, area.width, area.height);
  ctx.clip();
  const focused = picture.lines.find(({ line }) => line.run === pointing.focus);
  if (focused !== undefined && picture.lines.length > 1) drawFocus(ctx, plot, picture, focused, area);
  if (pointing.drag !== null) drawDrag(ctx, pointing.drag, picture);
  ctx.restore();
  if (pointing.x !== null) drawCursor(ctx, plot, picture, pointing.x, area);
}

/** Veil what is there, then draw one line anew over it. */
function drawFocus(ctx: CanvasRenderingContext2D, plot: Plot, picture: Picture, focused: LineColumns, area: Box): void {
  ctx.globalAlpha = FADE;
  ctx.fillStyle = picture.palette.panel;
  ctx.fillRect(area.left, area.top, area.width, area.height);
  ctx.globalAlpha = 1;
  const colour = runColour(picture.palette, focused.line.slot);
  const places = plot.places();
  if (places === null) return;
  if (picture.view.hasBand) {
    const band = new Path2D();
    traceBand(band, focused, places);
    ctx.fillStyle = withAlpha(colour, 0.14);
    ctx.fill(band);
  }
  const path = new Path2D();
  traceLine(path, focused, places);
  ctx.strokeStyle = colour;
  ctx.lineWidth = 2;
  ctx.lineJoin = 'round';
  ctx.setLineDash([...dashOf(focused)]);
  ctx.stroke(path);
  ctx.setLineDash([]);
}

function drawDrag(ctx: CanvasRenderingContext2D, drag: Box, picture: Picture): void {
  ctx.fillStyle = withAlpha(picture.palette.signal, 0.12);
  ctx.strokeStyle = picture.palette.signal;
  ctx.lineWidth = 1;
  ctx.fillRect(drag.left, drag.top, drag.width, drag.height);
  ctx.strokeRect(drag.left + 0.5, drag.top + 0.5, drag.width - 1, drag.height - 1);
}

function drawCursor(ctx: CanvasRenderingContext2D, plot: Plot, picture: Picture, x: number, area: Box): void {
  const px = Math.round(plot.toX(x)) + 0.5;
  if (!(px >= area.left - 1 && px <= area.left + area.width + 1)) return;
  ctx.strokeStyle = picture.palette.quietInk;
  ctx.lineWidth = 1;
  ctx.setLineDash([3, 3]);
  ctx.beginPath();
  ctx.moveTo(px, area.top);
  ctx.lineTo(px, area.top + area.height);
  ctx.stroke();
  ctx.setLineDash([]);
  for (const one of picture.lines) {
    if (readAt(one, picture.xs, x).kind !== 'value') continue;
    const y = plot.toY(lineAt(one, picture.xs, x, picture.view.scale));
    if (!(y >= area.top - 4 && y <= area.top + area.height + 4)) continue;
    drawDot(ctx, px, y, runColour(picture.palette, one.line.slot), picture.palette.panel);
  }
}

function drawDot(ctx: CanvasRenderingContext2D, x: number, y: number, colour: string, panel: string): void {
  ctx.beginPath();
  ctx.arc(x, y, 3.6, 0, Math.PI * 2);
  ctx.fillStyle = colour;
  ctx.fill();
  ctx.lineWidth = 1.4;
  ctx.strokeStyle = panel;
  ctx.stroke();
}

/** The run whose line passes nearest to a point, at most `limit` pixels away; null where none does. */
export function findNearest(plot: Plot, picture: Picture, px: number, py: number, limit = 18): string | null {
  const x = plot.fromX(px);
  let best: string | null = null;
  let least = limit;
  for (const one of picture.lines) {
    const distance = Math.abs(plot.toY(lineAt(one, picture.xs, x, picture.view.scale)) - py);
    if (distance <= least) {
      best = one.line.run;
      least = distance;
    }
  }
  return best;
}
