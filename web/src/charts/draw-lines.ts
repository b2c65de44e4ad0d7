/**
 * The lines of a chart on its base canvas, in device pixels: bands and raw lines first, what is read over them. All of it
 * is drawn anew on every zoom and live point, so what looks the same is drawn the cheap way: without a GPU a stroke wider
 * than a pixel and a long filled shape cost ten times what strokes of one pixel cost (docs/decisions/0021).
 */
import type { LineColumns } from './lines';
import { dashOf, withAlpha, type Picture } from './picture';
import type { Box, Places } from './places';
import { runColour } from './theme.svelte';
import { hasRawUnder, traceBandColumns, traceLine, traceRaw } from './trace';

const RAW_ALPHA = 0.17;
const BAND_ALPHA = 0.1;
const LINE_PX = 1.6;
/** From so many lines on each is thinner, and what lies under it fainter: together they are a density, not a knot. */
const MANY_LINES = 25;
const MANY_FADE = 0.35;
/** Up to this width a line is drawn as strokes of one pixel beside each other. */
const BUNDLE_PX = 2;

export function drawLines(ctx: CanvasRenderingContext2D, picture: Picture, places: Places, box: Box): void {
  const ratio = devicePixelRatio;
  const isMany = picture.lines.length >= MANY_LINES;
  const { palette, view } = picture;
  const colourOf = ({ line }: LineColumns, alpha: number): string => withAlpha(runColour(palette, line.slot), alpha);
  ctx.save();
  ctx.beginPath();
  ctx.rect(box.left, box.top, box.width, box.height);
  ctx.clip();
  ctx.lineJoin = 'round';
  for (const one of picture.lines) {
    const fade = isMany ? MANY_FADE : 1;
    if (view.hasBand) drawUnder(ctx, colourOf(one, BAND_ALPHA * fade), () => traceBandColumns(ctx, one, places, box));
    if (view.hasRaw && hasRawUnder(one)) drawUnder(ctx, colourOf(one, RAW_ALPHA * fade), () => traceRaw(ctx, one, places));
  }
  for (const one of picture.lines) {
    ctx.strokeStyle = colourOf(one, 1);
    drawMain(ctx, one, places, (isMany ? 1 : LINE_PX) * ratio);
  }
  ctx.restore();
}

function drawUnder(ctx: CanvasRenderingContext2D, colour: string, trace: () => void): void {
  ctx.strokeStyle = colour;
  ctx.lineWidth = 1;
  ctx.beginPath();
  trace();
  ctx.stroke();
}

function drawMain(ctx: CanvasRenderingContext2D, one: LineColumns, places: Places, width: number): void {
  const dash = dashOf(one).map((length) => length * devicePixelRatio);
  ctx.setLineDash(dash);
  const path = new Path2D();
  traceLine(path, one, places);
  if (width > BUNDLE_PX) {
    // Round caps would close the gaps of a dash.
    ctx.lineCap = dash.length > 0 ? 'butt' : 'round';
    ctx.lineWidth = width;
    ctx.stroke(path);
    return;
  }
  ctx.lineWidth = 1;
  for (const [x, y] of bundle((width - 1) / 2)) {
    ctx.translate(x, y);
    ctx.stroke(path);
    ctx.translate(-x, -y);
  }
}

/** Where the strokes stand that together are as wide as one of a pixel and `reach` to each side. */
function bundle(reach: number): (readonly [number, number])[] {
  if (reach <= 0) return [[0, 0]];
  const [far, near] = [reach * Math.cos(Math.PI / 6), reach / 2];
  return [
    [0, -reach],
    [-far, near],
    [far, near],
  ];
}
