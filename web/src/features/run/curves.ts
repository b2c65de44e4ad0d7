/** A run's metrics as groups of curves. Pure. */
import type { Metric } from '@/api/run-types';

export interface CurveGroup {
  readonly prefix: string;
  readonly metrics: readonly Metric[];
}

/** More groups than this help nobody: all curves then stand in one. */
const GROUPS_MOST = 40;
/** So few are seen at once, and need no groups. */
const TOGETHER_MOST = 12;

/** Metrics by the first part of their name, groups in the order of their first metric, what stands alone at the end. */
export function groupMetrics(metrics: readonly Metric[]): CurveGroup[] {
  const groups = new Map<string, Metric[]>();
  for (const metric of metrics) {
    const cut = metric.name.indexOf('/');
    const prefix = cut > 0 ? metric.name.slice(0, cut) : '';
    const found = groups.get(prefix);
    if (found === undefined) groups.set(prefix, [metric]);
    else found.push(metric);
  }
  if (groups.size > GROUPS_MOST || metrics.length <= TOGETHER_MOST) return [{ prefix: '', metrics }];
  const large = [...groups].filter(([prefix, members]) => prefix !== '' && members.length > 1);
  const rest = metrics.filter(({ name }) => !large.some(([prefix]) => name.startsWith(`${prefix}/`)));
  const found = large.map(([prefix, members]) => ({ prefix, metrics: members }));
  return rest.length === 0 ? found : [...found, { prefix: '', metrics: rest }];
}

/** Metrics whose name holds every word, in any case. */
export function filterNames(metrics: readonly Metric[], words: string): readonly Metric[] {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  return wanted.length === 0 ? metrics : metrics.filter(({ name }) => wanted.every((word) => name.toLowerCase().includes(word)));
}
