// One function per question to the server: path and parameters here, so that pages never spell an address.
import { quoteText } from '@/domain/quote-text';
import { visitedBefore } from '@/state/visit';
import type { QueryAsk } from './queries.svelte';
import { apiBase, getJson, queryString, sendJson, type Query } from './client';
import type { Best, BulkResult, ColumnCatalogue, Completion, Edit, EditResult, Facet, Goal, Projects, RunGroups, RunPage, SavedView, SearchHit, Session } from './types';

/** Which runs a page is about: where, and which of them. */
export interface RunScope {
  ns: string | null;
  project: string | null;
  experiment: string | null;
  f: string;
  archived: 'false' | 'true' | 'both';
}

function ask<T>(resource: string, path: string, query: Query, freshMs?: number): QueryAsk<T> {
  const base = { key: `${resource}${queryString(query)}`, read: (signal: AbortSignal) => getJson<T>(path, query, signal) };
  return freshMs === undefined ? base : { ...base, freshMs };
}

const flat = (scope: RunScope): Query => ({ ...scope, archived: scope.archived === 'false' ? null : scope.archived });

export const askSession = (): QueryAsk<Session> => ask('session', '/session', {}, 3_600_000);
/** Every project, with what ended in it since this person's last visit. */
export const askProjects = (): QueryAsk<Projects> => ask('projects', '/projects', { since: visitedBefore() || null }, 60_000);

const catalogueColumns = 600;

/** The catalogue's first columns; where there are more, the metrics among the rest are never left out for parameters. */
export function askColumns(scope: RunScope): QueryAsk<ColumnCatalogue> {
  const first = askFoundColumns(scope, '');
  const read = async (signal: AbortSignal) => {
    const [all, metrics] = [await first.read(signal), askFoundColumns(scope, 'metrics.')];
    return all.total > all.columns.length ? joinCatalogues(all, await metrics.read(signal)) : all;
  };
  return { ...first, key: `columns${first.key}`, read };
}

/** Columns whose key holds a text, over all there are. */
export const askFoundColumns = (scope: RunScope, q: string, limit = catalogueColumns): QueryAsk<ColumnCatalogue> =>
  ask('columns', '/runs/columns', { ...flat(scope), q, limit }, 30_000);

function joinCatalogues(all: ColumnCatalogue, more: ColumnCatalogue): ColumnCatalogue {
  const known = new Set(all.columns.map((column) => column.key));
  const isNew = (key: string) => !known.has(key);
  return { ...all, columns: [...all.columns, ...more.columns.filter((column) => isNew(column.key))], default: [...all.default, ...more.default.filter(isNew)] };
}
/** The best per metric, those named first; `better` says which way is better where a person says otherwise than runs do. */
export const askBest = (scope: RunScope, baseline: string | null, better: Readonly<Record<string, string>>, first: string): QueryAsk<{ best: Best[] }> =>
  ask('best', '/runs/best', { ...flat(scope), baseline, better: printWays(better), first, limit: 5 }, 60_000);
export const printWays = (better: Readonly<Record<string, string>>): string => Object.entries(better).map(([metric, way]) => `${way} ${metric}`).join('\n');
export const askFacet = (scope: RunScope, key: string): QueryAsk<Facet> => ask('facet', '/runs/facets', { ...flat(scope), key, limit: 50 }, 10_000);
export const askViews = (ns: string, project: string): QueryAsk<{ views: SavedView[] }> => ask('views', '/views', { ns, project }, 60_000);

export interface PageAsk {
  sort: string;
  offset: number;
  limit: number;
  cols: readonly string[];
  spark: string;
}

export const readRuns = (scope: RunScope, page: PageAsk, signal?: AbortSignal): Promise<RunPage> => getJson('/runs', { ...flat(scope), ...page }, signal);

/** One run as a row of a table, wherever it is. */
export const askRow = (id: string, cols: readonly string[], spark: string): QueryAsk<RunPage> => ({
  key: `run/${id}/row?${JSON.stringify([cols, spark])}`,
  read: (signal) => readRuns({ ns: null, project: null, experiment: null, f: `id = ${quoteText(id)}`, archived: 'both' }, { sort: 'created', offset: 0, limit: 1, cols, spark }, signal),
});

export interface GroupAsk {
  by: string;
  sort: string;
  cols: readonly string[];
  limit: number;
}

export const readGroups = (scope: RunScope, ask: GroupAsk, signal?: AbortSignal): Promise<RunGroups> => getJson('/runs/groups', { ...flat(scope), ...ask }, signal);

export interface FileAsk {
  sort: string;
  cols: readonly string[];
  baseline: string | null;
  /** What groups are by, and which way metrics are better where a person says otherwise than their names. */
  by?: string | null;
  better?: string | null;
}

/** Where a file of all matches, or of all their groups, is. */
export const csvPath = (scope: RunScope, ask: FileAsk): string => `${apiBase}/runs/${ask.by ? 'groups/' : ''}csv${queryString({ ...flat(scope), ...ask })}`;

export const readCompletion = (text: string, at: number, scope: RunScope, signal: AbortSignal): Promise<Completion> =>
  getJson('/complete', { text, at, ns: scope.ns, project: scope.project }, signal);

export const searchRuns = (q: string, ns: string | null, project: string | null, signal: AbortSignal): Promise<{ hits: SearchHit[] }> =>
  getJson('/search', { q, ns, project, limit: 8 }, signal);

export const editRun = (id: string, edits: readonly Edit[]): Promise<EditResult> => sendJson('PATCH', `/runs/${id}`, { edits });
export const editRuns = (ids: readonly string[], edits: readonly Edit[]): Promise<BulkResult> => sendJson('POST', '/runs/bulk', { ids, edits });
export const editMatching = (scope: RunScope, edits: readonly Edit[]): Promise<BulkResult> =>
  sendJson('POST', '/runs/bulk', { ...scope, archived: { false: false, true: true, both: null }[scope.archived], edits });
export const undoBulk = (token: string): Promise<BulkResult> => sendJson('POST', '/undo', { undo_token: token });

export const saveView = (ns: string, project: string, name: string, query: string): Promise<{ views: SavedView[] }> =>
  sendJson('PUT', `/views/${encodeURIComponent(name)}${queryString({ ns, project })}`, { query });
export const deleteView = (ns: string, project: string, name: string): Promise<{ views: SavedView[] }> =>
  sendJson('DELETE', `/views/${encodeURIComponent(name)}${queryString({ ns, project })}`);

export const orderProjects = (order: readonly [string, string][]): Promise<null> => sendJson('PUT', '/projects/order', { order });
export const setGoal = (ns: string, project: string, metric: string, value: number | null): Promise<{ goals: Goal[] }> =>
  sendJson('PUT', `/projects/${encodeURIComponent(ns)}/${encodeURIComponent(project)}/goals`, { metric, value });
export const archiveProject = (ns: string, project: string, isArchived: boolean): Promise<null> =>
  sendJson('PATCH', `/projects/${encodeURIComponent(ns)}/${encodeURIComponent(project)}`, { is_archived: isArchived });
