// Which page an address shows. Pages load when they are first asked for, the runs table with the shell's help as soon
// as the shell is idle. Names in addresses are percent-decoded here and nowhere else.
import type { Component } from 'svelte';
import { prefetch } from '@/api/queries.svelte';
import { askRun } from '@/api/whole-run';
import type { PageName, Place } from '@/domain/paths';
import { list } from '@/state/codec';
import { onLeave } from '@/state/url.svelte';

const none = { namespace: null, project: null, experiment: null, run: null };

/** Find the page of a path. Pure. */
export function parsePath(path: string): Place {
  const parts = path.split('/').filter(Boolean).map(decodePart);
  const [first, second, ...rest] = parts;
  if (first === undefined) return { page: 'projects', ...none };
  if (first === 'settings' && parts.length <= 2) return { page: second === 'kit' ? 'kit' : second ? 'missing' : 'settings', ...none };
  if (first === 'compare' && parts.length === 1) return { page: 'compare', ...none };
  if (first === 'v' && second && rest.length === 0) return { page: 'link', ...none, link: second };
  if (first === 'r' && second && rest.length === 0) return { page: 'run', ...none, run: second };
  if (!second) return { page: 'missing', ...none };
  return parseProject(first, second, rest);
}

function parseProject(namespace: string, project: string, rest: string[]): Place {
  const experiment = rest[0] === 'e' && rest[1] ? rest[1] : null;
  const tail = experiment ? rest.slice(2) : rest;
  const place = { namespace, project, experiment, run: null };
  if (tail.length === 0 || (tail.length === 1 && tail[0] === 'runs')) return { page: 'runs', ...place };
  if (tail.length === 1 && tail[0] === 'compare') return { page: 'compare', ...place };
  return { page: 'missing', ...none };
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export type PageProps = { place: Place };

export const pages: Record<PageName, () => Promise<{ default: Component<PageProps> }>> = {
  projects: () => import('@/features/projects/Page.svelte'),
  runs: () => import('@/features/runs-table/Page.svelte'),
  compare: () => import('@/features/compare/Page.svelte'),
  run: () => import('@/features/run/Page.svelte'),
  settings: () => import('@/features/settings/Page.svelte'),
  link: () => import('@/features/link/Page.svelte'),
  kit: () => import('@/features/settings/KitPage.svelte'),
  missing: () => import('@/features/settings/MissingPage.svelte'),
};

const RESTED_MS = 1500;

/** Fetch the pages that a table of runs leads to, once the first page had time to be read: they then open at once. */
export function preloadPages(): void {
  setTimeout(() => void Promise.all([pages.compare(), pages.run(), askAhead()]).catch(() => null), RESTED_MS);
}

/** From now on ask for what a page shows first while the one before it is still taken down. Resolves to how to stop. */
export async function askAhead(): Promise<() => void> {
  const [{ askComparison }, { loadPlot }] = await Promise.all([import('@/api/run-resources'), import('@/charts/chart-state.svelte')]);
  return onLeave((href) => {
    const { pathname, searchParams } = new URL(href, location.origin);
    const { page, run } = parsePath(pathname);
    const ids = page === 'compare' ? [...new Set(list().parse(searchParams.get('runs') ?? ''))] : [];
    const [first = run] = ids;
    if (ids.length > 0) prefetch(askComparison(ids));
    if (first === null) return;
    prefetch(askRun(first));
    void loadPlot().catch(() => null);
  });
}
