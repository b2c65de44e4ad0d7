// Questions about one run and about several side by side. Contents of files are addresses for the browser, not answers.
import type { QueryAsk } from './queries.svelte';
import { apiBase, getJson, postForBytes, queryString, sendJson } from './client';
import type { Artifact, Comparison, ConsoleMatches, ConsoleWindow, MediaItem, MediaPage, MetricPage, ParamValue, Preview } from './run-types';

const ADDRESS_IDS_MOST = 100;
const runRoot = (id: string): string => `/runs/${encodeURIComponent(id)}`;
const encodePath = (path: string): string => path.split('/').map(encodeURIComponent).join('/');

export const askMetrics = (id: string, q: string, offset: number, limit: number): QueryAsk<MetricPage> => ({
  key: `run/${id}/metrics?${q}&${offset}&${limit}`,
  read: (signal) => getJson(`${runRoot(id)}/metrics`, { q, offset, limit }, signal),
});

export const askComparison = (ids: readonly string[]): QueryAsk<Comparison> => ({
  key: `compare?${ids.join(',')}`,
  // An address holds some hundred ids; more are sent in the body.
  read: (signal) => (ids.length <= ADDRESS_IDS_MOST ? getJson('/compare', { runs: ids }, signal) : sendJson('POST', '/compare', { runs: ids }, signal)),
});

export const readParam = (id: string, name: string): Promise<ParamValue> => getJson(`${runRoot(id)}/param`, { name });

export const askMedia = (id: string, name: string, step: number): QueryAsk<MediaPage> => ({
  key: `run/${id}/media/${name}?${step}`,
  read: (signal) => getJson(`${runRoot(id)}/media/${encodePath(name)}`, { step }, signal),
  freshMs: 60_000,
});

export const readConsole = (id: string, fromLine: number, limit: number, signal?: AbortSignal): Promise<ConsoleWindow> =>
  getJson(`${runRoot(id)}/console`, { from_line: fromLine, limit }, signal);

export const readConsoleTail = (id: string, tail: number, signal?: AbortSignal): Promise<ConsoleWindow> =>
  getJson(`${runRoot(id)}/console`, { tail }, signal);

export const searchConsole = (id: string, q: string, signal?: AbortSignal): Promise<ConsoleMatches> =>
  getJson(`${runRoot(id)}/console/search`, { q }, signal);

/** A figure as its library wrote it, to be parsed by whoever draws it. */
export const askFigure = (id: string, { sha256 }: MediaItem): QueryAsk<unknown> => ({
  key: `figure/${id}/${sha256}`,
  read: (signal) => getJson(`${runRoot(id)}/media-content/${encodeURIComponent(sha256)}`, {}, signal),
  freshMs: 3_600_000,
});

export const askPreview = (id: string, { path, step }: Artifact, offset: number): QueryAsk<Preview> => ({
  key: `preview/${id}/${path}?${step}&${offset}`,
  read: (signal) => getJson(`${runRoot(id)}/preview`, { path, step, offset }, signal),
  freshMs: 600_000,
});

export const consoleAddress = (id: string): string => `${apiBase}${runRoot(id)}/console/download`;

export const mediaAddress = (id: string, item: MediaItem): string =>
  `${apiBase}${runRoot(id)}/media-content/${encodeURIComponent(item.sha256)}`;

export const artifactAddress = (id: string, { path, step }: Artifact): string =>
  `${apiBase}${runRoot(id)}/artifacts/${encodePath(path)}${queryString({ step })}`;

/** Ask for one chart's curves; the answer is a frame for `domain/frame.ts`. */
export const loadSeries = (ask: object, signal: AbortSignal): Promise<ArrayBuffer> => postForBytes('/series', ask, signal);

