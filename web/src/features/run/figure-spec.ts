/**
 * A user's own figure as Plotly or Vega would take it: told apart by what it says, and made ready for a viewer that draws
 * in two dimensions and loads nothing from anywhere. Pure.
 */

export type Figure =
  | { readonly kind: 'plotly'; readonly data: readonly Trace[]; readonly layout: Record<string, unknown> }
  | { readonly kind: 'vega' | 'vega-lite'; readonly spec: Record<string, unknown> };

export type Trace = Readonly<Record<string, unknown>>;

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Read a figure's JSON; null where it is neither library's. */
export function toFigure(value: unknown): Figure | null {
  if (!isRecord(value)) return null;
  const schema = typeof value['$schema'] === 'string' ? value['$schema'] : '';
  if (/vega-lite/.test(schema)) return { kind: 'vega-lite', spec: value };
  if (/\bvega\b/.test(schema)) return { kind: 'vega', spec: value };
  if (!Array.isArray(value['data'])) return null;
  return { kind: 'plotly', data: value['data'].filter(isRecord).map(flatten), layout: isRecord(value['layout']) ? value['layout'] : {} };
}

// WebGL twins of what the viewer draws without: the same attributes, another engine.
const TWINS: Readonly<Record<string, string>> = { scattergl: 'scatter', heatmapgl: 'heatmap' };

function flatten(trace: Trace): Trace {
  const type = trace['type'];
  const twin = typeof type === 'string' ? TWINS[type] : undefined;
  return twin === undefined ? trace : { ...trace, type: twin };
}

/** What kind a trace is; Plotly's own default is scatter. */
export const typeOf = (trace: Trace): string => (typeof trace['type'] === 'string' ? trace['type'] : 'scatter');

/** Addresses that a Vega figure would read its data from; what they hold is not part of the run. */
export function findAddresses(spec: unknown): string[] {
  if (Array.isArray(spec)) return spec.flatMap(findAddresses);
  if (!isRecord(spec)) return [];
  const own = [spec['data']].flat().flatMap((data) => (isRecord(data) && typeof data['url'] === 'string' ? [data['url']] : []));
  const rows = new Set(['values', 'datasets']);
  return [...own, ...Object.entries(spec).flatMap(([key, value]) => (rows.has(key) ? [] : findAddresses(value)))];
}

/** Kinds of traces that a viewer does not know, each once. */
export function findForeign(data: readonly Trace[], known: ReadonlySet<string>): string[] {
  return [...new Set(data.map(typeOf))].filter((type) => !known.has(type));
}
