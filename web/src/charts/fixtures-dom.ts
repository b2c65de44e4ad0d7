/** What jsdom lacks: observers that tell a size and that everything is in sight, and frames as the server would send them. */

type Tell = (entries: { isIntersecting: boolean; contentRect: { width: number; height: number } }[]) => void;

class Observer {
  constructor(private readonly tell: Tell) {}
  observe(): void {
    // A height of 0: asked for, but not drawn, as there is no canvas here.
    queueMicrotask(() => this.tell([{ isIntersecting: true, contentRect: { width: 600, height: 0 } }]));
  }
  unobserve(): void {}
  disconnect(): void {}
}

/** Stand in for the browser's observers; returns how to take them away. */
export function installObservers(): () => void {
  // uPlot asks for the screen's density as it is loaded, which may be after the test that made it load.
  if (typeof globalThis.matchMedia !== 'function') Reflect.set(globalThis, 'matchMedia', () => new EventTarget());
  const names = ['IntersectionObserver', 'ResizeObserver'] as const;
  const before = names.map((name) => Reflect.get(globalThis, name));
  for (const name of names) Reflect.set(globalThis, name, Observer);
  return () => {
    for (const [index, name] of names.entries()) {
      if (before[index] === undefined) Reflect.deleteProperty(globalThis, name);
      else Reflect.set(globalThis, name, before[index]);
    }
  };
}

export interface SentSeries {
  readonly run: string;
  readonly metric: string;
  readonly values: readonly number[];
  readonly reduce?: string;
  /** The points outside of the window, as x and value. */
  readonly before?: readonly [number, number];
  readonly after?: readonly [number, number];
}

/** Encode series of single points as the server does: one bucket a point, nothing smoothed. */
export function encodeFrame(axis: string, x: readonly number[], series: readonly SentSeries[]): ArrayBuffer {
  const described = series.map(({ run, metric, reduce = null, before = null, after = null }) => ({ run, metric, rank: null, reduce, arrays: [], before, after }));
  const header = JSON.stringify({ n: x.length, axis, is_exact: true, series: described });
  const text = new TextEncoder().encode(header.padEnd(Math.ceil((header.length + 4) / 8) * 8 - 4));
  const perSeries = x.length * (4 * 8 + 4 * 4);
  const buffer = new ArrayBuffer(4 + text.length + x.length * 8 + series.length * perSeries);
  const view = new DataView(buffer);
  view.setUint32(0, text.length, true);
  new Uint8Array(buffer, 4, text.length).set(text);
  let at = 4 + text.length;
  const floats = (column: readonly number[]): void => column.forEach((value) => (view.setFloat64(at, value, true), (at += 8)));
  const counts = (column: readonly boolean[]): void => column.forEach((is) => (view.setUint32(at, Number(is), true), (at += 4)));
  floats(x);
  for (const { values } of series) {
    for (let column = 0; column < 4; column += 1) floats(values);
    counts(values.map(() => true));
    counts(values.map(Number.isNaN));
    counts(values.map((value) => value === Infinity));
    counts(values.map((value) => value === -Infinity));
  }
  return buffer;
}
