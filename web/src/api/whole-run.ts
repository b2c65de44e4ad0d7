// One run whole. Apart from the other questions about runs, because the shell asks it too: whose project a run is.
import type { QueryAsk } from './queries.svelte';
import { getJson } from './client';
import type { RunDetail } from './run-types';

export const askRun = (id: string): QueryAsk<RunDetail> => ({ key: `run/${id}`, read: (signal) => getJson(`/runs/${encodeURIComponent(id)}`, {}, signal) });
