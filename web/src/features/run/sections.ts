/** Which sections a run's page has: only those with something to say, in the order they are read. */
import type { RunDetail } from '@/api/run-types';

export interface Section {
  readonly id: string;
  readonly title: string;
  readonly count: number | null;
}

/** What of a run decides which sections there are. */
export type Sectioned = Pick<
  RunDetail,
  'params' | 'problems' | 'damage' | 'metrics_total' | 'media' | 'artifacts' | 'resources' | 'links' | 'command' | 'writers' | 'history' | 'children'
>;

export function listSections(run: Sectioned): Section[] {
  const params = Object.keys(run.params).length;
  const troubles = run.problems.length + run.damage.length;
  const all: (Section & { readonly isThere: boolean })[] = [
    { id: 'summary', title: 'Summary', count: null, isThere: true },
    { id: 'problems', title: 'Problems', count: troubles, isThere: troubles > 0 },
    { id: 'parameters', title: 'Parameters', count: params, isThere: params > 0 },
    { id: 'curves', title: 'Curves', count: run.metrics_total, isThere: run.metrics_total > 0 },
    { id: 'media', title: 'Media', count: run.media.length, isThere: run.media.length > 0 },
    { id: 'artifacts', title: 'Artifacts', count: run.artifacts.length, isThere: run.artifacts.length > 0 },
    { id: 'console', title: 'Console', count: null, isThere: true },
    { id: 'resources', title: 'Resources', count: null, isThere: run.resources.length > 0 },
    { id: 'notes', title: 'Notes', count: null, isThere: true },
    { id: 'links', title: 'Links', count: run.links.length, isThere: run.links.length > 0 },
    { id: 'environment', title: 'Environment', count: null, isThere: run.command !== null || run.writers.length > 0 },
    { id: 'history', title: 'History', count: run.history.length, isThere: run.history.length > 0 || run.children.length > 0 },
  ];
  return all.filter(({ isThere }) => isThere).map(({ id, title, count }) => ({ id, title, count }));
}
