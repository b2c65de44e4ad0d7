import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { emptyFrame, FrameError, parseFrame } from './frame';

interface Sent {
  readonly header: object | string;
  readonly floats: readonly (readonly number[])[];
  readonly counts: readonly (readonly number[])[];
}

/** The server's side of the format, written anew from its description. */
function encode({ header, floats, counts }: Sent): ArrayBuffer {
  const text = typeof header === 'string' ? header : JSON.stringify(header);
  const bytes = new TextEncoder().encode(text.padEnd(Math.ceil((text.length + 4) / 8) * 8 - 4));
  const size = 4 + bytes.length + floats.flat().length * 8 + counts.flat().length * 4;
  const buffer = new ArrayBuffer(size);
  new DataView(buffer).setUint32(0, bytes.length, true);
  new Uint8Array(buffer, 4, bytes.length).set(bytes);
  const body = new DataView(buffer);
  let at = 4 + bytes.length;
  for (const column of floats) for (const value of column) at = write(at, () => body.setFloat64(at, value, true), 8);
  for (const column of counts) for (const value of column) at = write(at, () => body.setUint32(at, value, true), 4);
  return buffer;
}

function write(at: number, put: () => void, size: number): number {
  put();
  return at + size;
}

const plain = { run: 'a', metric: 'loss', rank: 0 };
const oneSeries = (n: number, x: number[], first: number[]): Sent => ({
  header: { n, axis: 'step', series: [plain] },
  floats: [x, first, first, first, first],
  counts: Array.from({ length: 4 }, () => x.map(() => 1)),
});

test('the points outside of a window are told by the header, with what they are smoothed', () => {
  const sent = oneSeries(0, [], []);
  const told = { ...plain, before: [3, 0.5, null], after: [9, 0.25, 0.3] };
  const { series } = parseFrame(encode({ ...sent, header: { n: 0, axis: 'step', series: [told, { ...plain, before: null, after: null }] } }));
  expect(series.map(({ before, after }) => [before, after])).toEqual([
    [{ x: 3, value: 0.5, smoothed: null }, { x: 9, value: 0.25, smoothed: 0.3 }],
    [null, null],
  ]);
  const broken = { ...sent, header: { n: 0, axis: 'step', series: [{ ...plain, before: ['x'] }] } };
  expect(() => parseFrame(encode(broken))).toThrow(FrameError);
});

test('a series of several ranks as one line is told from that of one', () => {
  const sent = oneSeries(1, [0], [1]);
  const reduced = { ...sent, header: { n: 1, axis: 'metric', series: [{ ...plain, rank: null, reduce: 'mean' }] } };
  expect([sent, reduced].map((one) => parseFrame(encode(one)).series[0]?.isReduced)).toEqual([false, true]);
  expect(parseFrame(encode(reduced)).axis).toBe('metric');
});

describe('parseFrame', () => {
  test('gives each column of each series back', () => {
    const frame = parseFrame(
      encode({
        header: { n: 2, axis: 'relative', is_exact: true, series: [{ ...plain, rank: 3, arrays: ['first', 'smoothed'] }] },
        floats: [
          [10, 20],
          [1, 2],
          [3, 4],
          [5, 6],
          [7, 8],
          [9, Number.NaN],
        ],
        counts: [
          [4, 0],
          [1, 2],
          [3, 4],
          [5, 6],
        ],
      }),
    );
    const [series] = frame.series;
    expect([frame.axis, frame.isExact]).toEqual(['relative', true]);
    expect([...frame.x]).toEqual([10, 20]);
    expect(series?.rank).toBe(3);
    expect([...(series?.first ?? [])]).toEqual([1, 2]);
    expect([...(series?.last ?? [])]).toEqual([3, 4]);
    expect([...(series?.min ?? [])]).toEqual([5, 6]);
    expect([...(series?.max ?? [])]).toEqual([7, 8]);
    expect([...(series?.smoothed ?? [])]).toEqual([9, Number.NaN]);
    expect([...(series?.count ?? [])]).toEqual([4, 0]);
    expect([...(series?.nan ?? []), ...(series?.posInf ?? []), ...(series?.negInf ?? [])]).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test('has no smoothed column where none was asked for', () => {
    expect(parseFrame(encode(oneSeries(1, [1], [2]))).series[0]?.smoothed).toBeNull();
  });

  test('reads names beyond ASCII, whatever padding they need', () => {
    for (const metric of ['a', 'ab', 'abc', 'abcd', 'abcde', 'abcdef', 'abcdefg']) {
      const sent = { ...oneSeries(1, [1], [2]), header: { n: 1, axis: 'step', series: [{ ...plain, metric }] } };
      expect(parseFrame(encode(sent)).series[0]?.metric).toBe(metric);
    }
  });

  test('reads any grid and any values, not finite ones too', () => {
    fc.assert(
      fc.property(fc.array(fc.double(), { maxLength: 30 }), (values) => {
        const x = values.map((_, index) => index);
        const frame = parseFrame(encode(oneSeries(values.length, x, values)));
        expect([...frame.x]).toEqual(x);
        expect([...(frame.series[0]?.first ?? [])]).toEqual(values);
      }),
    );
  });

  test('says how many bytes were promised where a frame is cut', () => {
    const whole = encode(oneSeries(3, [1, 2, 3], [4, 5, 6]));
    for (let length = 0; length < whole.byteLength; length += 1) {
      expect(() => parseFrame(whole.slice(0, length))).toThrow(FrameError);
    }
    expect(() => parseFrame(whole.slice(0, -8))).toThrow(/were promised/);
  });

  test('refuses bytes that are left over', () => {
    const sent = oneSeries(1, [1], [2]);
    expect(() => parseFrame(encode({ ...sent, counts: [...sent.counts, [1, 1]] }))).toThrow('8 bytes are left over');
  });

  test('refuses a header that is no header', () => {
    for (const header of ['[]', 'no', '{}', '{"n":-1,"series":[]}', '{"n":0.5,"series":[]}', '{"n":1,"series":[{}]}']) {
      expect(() => parseFrame(encode({ header, floats: [], counts: [] }))).toThrow(FrameError);
    }
  });

  test('an empty frame has neither x nor series', () => {
    const frame = emptyFrame('time');
    expect([frame.axis, frame.x.length, frame.series.length]).toEqual(['time', 0, 0]);
  });
});
