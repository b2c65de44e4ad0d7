/**
 * Binary frames of series, as the server sends them: several series on one grid of buckets.
 *
 * Layout, little-endian: u32 header length, JSON header padded to 8, x f64[n]; per series first, last, min, max f64[n],
 * smoothed f64[n] where asked, count, NaN, +inf, -inf u32[n]. Arrays are views of the buffer: nothing is copied. A bucket
 * without points has count 0 and NaN. The header tells the points that a line comes from and goes to outside of the window.
 * Left out: how a frame is drawn (`charts/`).
 */

export type Axis = 'step' | 'relative' | 'time' | 'metric';

/** A point just outside of a window. */
export interface Neighbour {
  readonly x: number;
  readonly value: number;
  readonly smoothed: number | null;
}

export interface SeriesFrame {
  readonly run: string;
  readonly metric: string;
  readonly rank: number;
  /** Several ranks as one line: min and max are a band over all of them. */
  readonly isReduced: boolean;
  readonly first: Float64Array;
  readonly last: Float64Array;
  readonly min: Float64Array;
  readonly max: Float64Array;
  readonly smoothed: Float64Array | null;
  readonly count: Uint32Array;
  readonly nan: Uint32Array;
  readonly posInf: Uint32Array;
  readonly negInf: Uint32Array;
  /** The last point before the window, where none within it stands at its edge. */
  readonly before: Neighbour | null;
  readonly after: Neighbour | null;
}

export interface Frame {
  readonly axis: Axis;
  /** Each bucket holds one x: nothing was reduced. */
  readonly isExact: boolean;
  readonly x: Float64Array;
  readonly series: readonly SeriesFrame[];
}

/** Says what in the bytes was not as the format promises. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
}

interface HeaderSeries {
  readonly run: string;
  readonly metric: string;
  readonly rank: number;
  readonly isReduced: boolean;
  readonly isSmoothed: boolean;
  readonly before: Neighbour | null;
  readonly after: Neighbour | null;
}

interface Header {
  readonly n: number;
  readonly axis: Axis;
  readonly isExact: boolean;
  readonly series: readonly HeaderSeries[];
}

/** Parse a frame; throws `FrameError` where the bytes break the format. */
export function parseFrame(buffer: ArrayBuffer): Frame {
  if (buffer.byteLength < 4) throw new FrameError(`a frame of ${buffer.byteLength} bytes; at least 4 are needed`);
  const headerLength = new DataView(buffer).getUint32(0, true);
  if (4 + headerLength > buffer.byteLength) {
    throw new FrameError(`a header of ${headerLength} bytes in a frame of ${buffer.byteLength}`);
  }
  const header = parseHeader(new TextDecoder().decode(new Uint8Array(buffer, 4, headerLength)));
  const reader = new ColumnReader(buffer, Math.ceil((4 + headerLength) / 8) * 8, header.n);
  const x = reader.readFloats();
  const series = header.series.map((one) => readSeries(reader, one));
  reader.ensureEnd();
  return { axis: header.axis, isExact: header.isExact, x, series };
}

/** A frame without buckets, for a chart whose data are still on their way. */
export function emptyFrame(axis: Axis = 'step'): Frame {
  return { axis, isExact: true, x: new Float64Array(0), series: [] };
}

function readSeries(reader: ColumnReader, header: HeaderSeries): SeriesFrame {
  const { run, metric, rank, isReduced, before, after } = header;
  const first = reader.readFloats();
  const last = reader.readFloats();
  const min = reader.readFloats();
  const max = reader.readFloats();
  const smoothed = header.isSmoothed ? reader.readFloats() : null;
  const count = reader.readCounts();
  const nan = reader.readCounts();
  const posInf = reader.readCounts();
  const negInf = reader.readCounts();
  return { run, metric, rank, isReduced, first, last, min, max, smoothed, count, nan, posInf, negInf, before, after };
}

class ColumnReader {
  constructor(
    private readonly buffer: ArrayBuffer,
    private offset: number,
    private readonly n: number,
  ) {}

  readFloats(): Float64Array {
    return new Float64Array(this.buffer, this.take(8), this.n);
  }

  readCounts(): Uint32Array {
    return new Uint32Array(this.buffer, this.take(4), this.n);
  }

  ensureEnd(): void {
    const left = this.buffer.byteLength - this.offset;
    if (left !== 0) throw new FrameError(`${left} bytes are left over at the end of a frame`);
  }

  private take(itemBytes: number): number {
    const at = this.offset;
    this.offset += itemBytes * this.n;
    if (this.offset > this.buffer.byteLength) {
      throw new FrameError(`a frame ends at byte ${this.buffer.byteLength}; ${this.offset} were promised`);
    }
    return at;
  }
}

function parseHeader(text: string): Header {
  const value = parseJson(text);
  const n = isRecord(value) ? value['n'] : undefined;
  const series = isRecord(value) ? value['series'] : undefined;
  if (!isRecord(value) || typeof n !== 'number' || !Number.isInteger(n) || n < 0 || !Array.isArray(series)) {
    throw new FrameError(`the header of a frame says neither n nor series: ${text.slice(0, 80)}`);
  }
  return { n, axis: toAxis(value['axis']), isExact: value['is_exact'] === true, series: series.map(parseSeriesHeader) };
}

function parseSeriesHeader(value: unknown): HeaderSeries {
  if (!isRecord(value) || typeof value['run'] !== 'string' || typeof value['metric'] !== 'string') {
    throw new FrameError('a series in the header of a frame names no run or no metric');
  }
  const arrays: unknown = value['arrays'];
  return {
    run: value['run'],
    metric: value['metric'],
    rank: typeof value['rank'] === 'number' ? value['rank'] : 0,
    isReduced: typeof value['reduce'] === 'string',
    isSmoothed: Array.isArray(arrays) && arrays.includes('smoothed'),
    before: toNeighbour(value['before']),
    after: toNeighbour(value['after']),
  };
}

function toNeighbour(value: unknown): Neighbour | null {
  if (!Array.isArray(value)) return null;
  const [x, height, smoothed]: unknown[] = value;
  if (typeof x !== 'number' || typeof height !== 'number') throw new FrameError(`a point outside of a window is ${JSON.stringify(value)}`);
  return { x, value: height, smoothed: typeof smoothed === 'number' ? smoothed : null };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new FrameError(`the header of a frame is not JSON: ${text.slice(0, 80)}`);
  }
}

function toAxis(value: unknown): Axis {
  return value === 'relative' || value === 'time' || value === 'metric' ? value : 'step';
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
