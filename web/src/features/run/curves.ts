/** A run's metrics as groups of curves. Pure. */
import type { Metric } from '@/api/run-types';

export interface CurveGroup {
  readonly prefix: string;
  readonly metrics: readonly Metric[];
}

/** More groups than this help nobody: all curves then stand in one. */
const GROUPS_MOST = 40;

/** Metrics by the first part of their name, groups in the order of their first metric. */
export function groupMetrics(metrics: readonly Metric[]): CurveGroup[] {
  const groups = new Map<string, Metric[]>();
  for (const metric of metrics) {
    const cut = metric.name.indexOf('/');
    const prefix = cut > 0 ? metric.name.slice(0, cut) : '';
    const found = groups.get(prefix);
    if (found === undefined) groups.set(prefix, [metric]);
    else found.push(metric);
  }
  if (groups.size > GROUPS_MOST) return [{ prefix: '', metrics }];
  return [...groups].map(([prefix, members]) => ({ prefix, metrics: members }));
}

/** Metrics whose name holds every word, in any case. */
export function filterNames(metrics: readonly Metric[], words: string): readonly Metric[] {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  return wanted.length === 0 ? metrics : metrics.filter(({ name }) => wanted.every((word) => name.toLowerCase().includes(word)));
}
