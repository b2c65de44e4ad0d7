// What the server answers, by its resource. The names are the wire's.
import type { EpochMicros, RunId } from '@/domain/ids';
import type { WireNumber } from '@/domain/numbers';

export type RunState = 'running' | 'finished' | 'failed' | 'killed' | 'cancelled' | 'lost';
export type Direction = 'max' | 'min';
export type Verdict = 'supported' | 'refuted' | 'inconclusive';
export type Cell = number | string | boolean | null | readonly string[];

export interface ErrorBody {
  error: { code: string; message: string; fields?: Record<string, unknown> };
}

export interface Session {
  user: string;
  namespace: string;
  version: string;
  root_name: string;
  is_local: boolean;
}

export interface Objective {
  metric: string;
  direction: Direction;
  is_guessed: boolean;
  best: WireNumber;
  best_run_id: RunId;
  best_run_name: string;
  staircase: WireNumber[];
}

export interface Project {
  namespace: string;
  name: string;
  runs: number;
  running: number;
  failed: number;
  owner: string | null;
  last_activity_at: EpochMicros | null;
  objective: Objective | null;
  rank: number | null;
  is_archived: boolean;
}

export interface Projects {
  projects: Project[];
  watermark: number;
}

export interface RunRow {
  id: RunId;
  name: string;
  state: RunState;
  cause: string | null;
  progress: number | null;
  created_at: EpochMicros;
  ended_at: EpochMicros | null;
  duration_s: number | null;
  slot: number;
  tags: string[];
  note: string;
  note_version: number;
  likes: number;
  why: string | null;
  conclusion: string | null;
  verdict: string | null;
  user: string | null;
  experiment: string;
  project: string;
  namespace: string;
  parent: RunId | null;
  is_archived: boolean;
  is_stalled: boolean;
  error_line: string | null;
  cells: Record<string, Cell>;
  /** 32 values of the metric asked for, 0 to 254 over the run's own range; 255 = no point. */
  spark: number[] | null;
}

export interface RunPage {
  total: number;
  offset: number;
  query_ms: number;
  watermark: number;
  rows: RunRow[];
  elsewhere: Record<string, number>;
}

export type ColumnKind = 'number' | 'text' | 'bool' | 'list';

export interface Column {
  key: string;
  kind: ColumnKind;
  label: string;
  group: string;
  n: number | null;
  varies: boolean | null;
  direction: Direction | null;
  min: WireNumber | null;
  max: WireNumber | null;
  distinct: number | null;
}

export interface ColumnCatalogue {
  columns: Column[];
  total: number;
  default: string[];
  constant: { key: string; value: Cell }[];
  watermark: number;
}

export interface Facet {
  values: { value: string; count: number }[];
}

export interface Best {
  metric: string;
  direction: Direction;
  is_guessed: boolean;
  value: WireNumber;
  run_id: RunId;
  run_name: string;
  gain: WireNumber | null;
  baseline: WireNumber | null;
  n_runs: number;
  staircase: [number, WireNumber][];
}

export interface Offer {
  text: string;
  kind: 'key' | 'operator' | 'join' | 'value';
  detail: string;
  count: number | null;
}

export interface Completion {
  start: number;
  end: number;
  offers: Offer[];
}

export interface SearchHit {
  run_id: RunId;
  name: string;
  project: string;
  namespace: string;
  state: RunState;
  where: string;
  excerpt: string;
  line: number | null;
}

export interface SavedView {
  name: string;
  query: string;
  created_at: EpochMicros;
}

export type SetFields = Partial<Record<'why' | 'conclusion' | 'verdict' | 'name' | 'domain', string | null>> & { archived?: boolean };

export type Edit =
  | { kind: 'tag'; add: string[]; remove: string[] }
  | { kind: 'note'; text: string; append?: boolean; base?: number | null }
  | { kind: 'like'; on: boolean; target?: string }
  | { kind: 'set'; fields: SetFields; expect?: SetFields | null };

export interface EditResult {
  row: RunRow;
  undo: Edit[];
  watermark: number;
}

export interface BulkResult {
  changed: number;
  undo_token: string | null;
  watermark: number;
}

export interface ChangedEvent {
  watermark: number;
  runs: RunId[] | 'many';
  /** Namespace and project of each run. */
  projects: [string, string][];
}
