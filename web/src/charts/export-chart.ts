/**
 * A chart taken out of the page: CSV of what is drawn, SVG that any editor opens, PNG of the canvas. CSV says per bucket
 * what the chart knows of it; the points themselves are the run's own export. Text is escaped, whatever a run is called.
 */
import { formatExact } from '@/domain/axis-format';
import type { LineColumns } from './lines';
import type { Box, Places } from './places';
import { hasRawUnder, SvgPen, traceBand, traceLine, traceRaw } from './trace';

/** Rows of (run, metric, x, last, min, max, smoothed, points), one a bucket that holds points. RFC 4180. */
export function toCsv(lines: readonly LineColumns[], xs: Float64Array, xName: string): string {
  const rows = [['run', 'metric', quote(xName), 'last', 'min', 'max', 'smoothed', 'points'].join(',')];
  for (const { line, series } of lines) {
    for (const [index, x] of xs.entries()) {
      if ((series.count[index] ?? 0) === 0) continue;
      const numbers = [x, series.last[index], series.min[index], series.max[index], series.smoothed?.[index], series.count[index]];
      rows.push([quote(line.name), quote(line.metric), ...numbers.map((value) => (value === undefined ? '' : formatExact(value)))].join(','));
    }
  }
  return `${rows.join('\r\n')}\r\n`;
}

// A leading =, +, - or @ would be run as a formula by a spreadsheet.
function quote(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export interface SvgPicture {
  readonly title: string;
  readonly width: number;
  readonly height: number;
  readonly plot: Box;
  readonly lines: readonly LineColumns[];
  readonly places: Places;
  readonly xTicks: readonly (readonly [number, string])[];
  readonly yTicks: readonly (readonly [number, string])[];
  readonly hasBand: boolean;
  readonly hasRaw: boolean;
  readonly colours: { readonly ink: string; readonly grid: string; readonly panel: string; readonly of: (slot: number) => string };
  readonly dashOf: (line: LineColumns) => readonly number[];
}

/** The chart as an SVG document with its legend; places and ticks are in its own pixels. */
export function toSvg(picture: SvgPicture): string {
  const { width, height, plot, colours } = picture;
  const legend = picture.lines.map((one, index) => legendRow(one, index, picture));
  const total = height + picture.lines.length * 16 + 8;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${total}" viewBox="0 0 ${width} ${total}" font-family="monospace" font-size="11">`,
    `<title>${escapeXml(picture.title)}</title>`,
    `<rect width="${width}" height="${total}" fill="${colours.panel}"/>`,
    `<clipPath id="plot"><rect x="${plot.left}" y="${plot.top}" width="${plot.width}" height="${plot.height}"/></clipPath>`,
    ...picture.yTicks.map(([y, word]) => gridLine(y, word, picture)),
    ...picture.xTicks.map(([x, word]) => `<text x="${x}" y="${plot.top + plot.height + 16}" text-anchor="middle" fill="${colours.ink}">${escapeXml(word)}</text>`),
    `<g clip-path="url(#plot)" fill="none" stroke-linecap="round" stroke-linejoin="round">`,
    ...picture.lines.flatMap((one) => underLines(one, picture)),
    ...picture.lines.map((one) => mainLine(one, picture)),
    '</g>',
    ...legend,
    '</svg>',
  ].join('\n');
}

function gridLine(y: number, word: string, { plot, colours }: SvgPicture): string {
  return (
    `<path d="M${plot.left} ${y}h${plot.width}" stroke="${colours.grid}"/>` +
    `<text x="${plot.left - 6}" y="${y + 4}" text-anchor="end" fill="${colours.ink}">${escapeXml(word)}</text>`
  );
}

function underLines(one: LineColumns, { places, hasBand, hasRaw, colours }: SvgPicture): string[] {
  const colour = colours.of(one.line.slot);
  const parts: string[] = [];
  if (hasBand) parts.push(`<path d="${tracePath(traceBand, one, places)}" fill="${colour}" fill-opacity="0.1"/>`);
  if (hasRaw && hasRawUnder(one)) parts.push(`<path d="${tracePath(traceRaw, one, places)}" stroke="${colour}" stroke-opacity="0.17"/>`);
  return parts;
}

function mainLine(one: LineColumns, { places, colours, dashOf }: SvgPicture): string {
  const d = tracePath(traceLine, one, places);
  const dash = dashOf(one);
  const dashes = dash.length === 0 ? '' : ` stroke-dasharray="${dash.join(' ')}"`;
  return `<path d="${d}" stroke="${colours.of(one.line.slot)}" stroke-width="1.6"${dashes}/>`;
}

function tracePath(trace: typeof traceLine, one: LineColumns, places: Places): string {
  const pen = new SvgPen();
  trace(pen, one, places);
  return pen.toString();
}

function legendRow({ line }: LineColumns, index: number, { height, plot, colours }: SvgPicture): string {
  const y = height + 4 + index * 16;
  return (
    `<rect x="${plot.left}" y="${y}" width="9" height="9" rx="2" fill="${colours.of(line.slot)}"/>` +
    `<text x="${plot.left + 15}" y="${y + 9}" fill="${colours.ink}">${escapeXml(line.name)}</text>`
  );
}

function escapeXml(text: string): string {
  const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  // Characters that XML has no place for would make the file unreadable.
  return text.replace(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, '').replace(/[&<>"']/g, (found) => entities[found] ?? '');
}

/** Hand a file to the person. */
export function saveFile(name: string, content: Blob): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(content);
  link.download = name.replaceAll(/[^\w.-]+/g, '-');
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
