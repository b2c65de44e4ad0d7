/** What a run used of its machine, against what it may use. Pure. */
import type { Metric } from '@/api/run-types';
import { formatBytes, formatNumber, fromWire, type WireNumber } from '@/domain/numbers';

export interface Usage {
  readonly name: string;
  readonly peak: string;
  readonly mean: string;
  /** The limit in words and the part of it that the peak used, 0 to 1; null where there is no limit. */
  readonly limit: { readonly text: string; readonly part: number } | null;
}

export function toUsage(metric: Metric, limits: Readonly<Record<string, WireNumber>>): Usage {
  const name = metric.name.replace(/^system\//, '');
  const limit = limits[metric.name] ?? limits[name];
  const peak = fromWire(metric.max);
  const bound = limit === undefined ? Number.NaN : fromWire(limit);
  return {
    name,
    peak: formatUsage(name, peak),
    mean: formatUsage(name, fromWire(metric.mean)),
    limit: bound > 0 && Number.isFinite(bound) ? { text: formatUsage(name, bound), part: Math.min(1, Math.max(0, peak / bound)) } : null,
  };
}

/** A value with the unit that its name carries. */
export function formatUsage(name: string, value: number): string {
  if (/bytes(\b|_)/.test(name)) return formatBytes(value);
  if (/percent/.test(name)) return `${formatNumber(value, 3)} %`;
  return formatNumber(value);
}
