// What the server answers about one run, and about several side by side. The names are the wire's.
import type { EpochMicros } from '@/domain/ids';
import type { WireNumber } from '@/domain/numbers';
import type { Cell, Direction, RunRow } from './types';

export interface Metric {
  name: string;
  n: number;
  first: WireNumber;
  last: WireNumber;
  min: WireNumber;
  max: WireNumber;
  mean: WireNumber;
  best: WireNumber | null;
  direction: Direction | null;
  is_guessed: boolean;
  last_step: number;
  group: string;
}

export interface MetricPage {
  total: number;
  metrics: Metric[];
}

export interface RunLink {
  url: string;
  title: string;
  kind: string;
  is_safe: boolean;
}

export interface Trouble {
  code: string;
  message: string;
  count: number;
}

export interface Damage {
  writer: string;
  segment: number;
  byte: number;
  size: number;
  reason: string;
}

export interface Change {
  number: number;
  at: EpochMicros;
  field: string;
  value: Cell;
}

export interface RunEnd {
  cause: string;
  exit_code: number | null;
  signal: number | null;
  exception: { type: string; message: string; traceback: string } | null;
  witness: string;
}

export interface Writer {
  id: string;
  kind: string;
  rank: number;
  pid: number;
  host: string;
  user: string;
  version: string;
}

export interface MediaGroup {
  name: string;
  kind: string;
  steps: number[];
  count: number;
}

export interface MediaItem {
  step: number;
  kind: string;
  media_type: string;
  size: number;
  caption: string;
  meta: Record<string, unknown>;
  sha256: string;
  inline: unknown;
  created_at: EpochMicros;
}

export interface Artifact {
  path: string;
  kind: string;
  size: number | null;
  sha256: string | null;
  media_type: string;
  step: number | null;
  uri: string | null;
  checksum: string;
  created_at: EpochMicros;
}

export interface RunDetail {
  row: RunRow;
  domain: string | null;
  group: string | null;
  params: Record<string, Cell>;
  cut_params: Record<string, number>;
  metrics: Metric[];
  metrics_total: number;
  resources: Metric[];
  links: RunLink[];
  likes: Record<string, string[]>;
  problems: Trouble[];
  damage: Damage[];
  limits: Record<string, WireNumber>;
  command: { argv: string[]; cwd: string; executable: string; python: string; platform: string } | null;
  objectives: Record<string, Direction>;
  history: Change[];
  end: RunEnd | null;
  writers: Writer[];
  last_heard_at: EpochMicros | null;
  rewound_from: number | null;
  media: MediaGroup[];
  artifacts: Artifact[];
  parent: RunRow | null;
  children: RunRow[];
  watermark: number;
}

export interface ConsoleWindow {
  lines: string[];
  first_line: number;
  total_lines: number;
  is_live: boolean;
}

export interface ConsoleMatches {
  matches: { line: number; text: string }[];
  more: boolean;
}

export interface ComparedMetric {
  key: string;
  word: string;
  direction: Direction | null;
  is_guessed: boolean;
  values: (WireNumber | null)[];
  best: number[];
}

export interface ComparedRow {
  key: string;
  values: Cell[];
  present: boolean[];
  differs: boolean;
}

export interface Comparison {
  runs: RunRow[];
  metrics: ComparedMetric[];
  params: ComparedRow[];
  attributes: ComparedRow[];
  constant: { key: string; value: Cell }[];
  shared_tags: string[];
}

export interface Tensor {
  name: string;
  dtype: string;
  shape: number[];
  size: number;
}

export interface ModelPort {
  name: string;
  dtype: string;
  shape: string[];
}

export interface NotebookCell {
  type: string;
  source: string;
  execution_count: number | null;
  outputs: { media_type: string; data: string }[];
  left_out: number;
}

/** A part of a file as data, by what kind of file it is. */
export type Preview = { size: number; media_type: string } & (
  | { kind: 'text'; offset: number; next_offset: number | null; text: string }
  | { kind: 'json'; value: unknown }
  | { kind: 'table'; columns: string[]; rows: Cell[][]; offset: number; total_rows: number | null }
  | { kind: 'tensors'; format: string; total: number; offset: number; tensors: Tensor[]; metadata: Record<string, string> }
  | {
      kind: 'model';
      producer: string;
      opsets: Record<string, number>;
      graph: string;
      inputs: ModelPort[];
      outputs: ModelPort[];
      operators: Record<string, number>;
      total: number;
      offset: number;
      tensors: Tensor[];
    }
  | { kind: 'notebook'; language: string; total: number; offset: number; cells: NotebookCell[] }
  | { kind: 'media'; url: string }
  | { kind: 'binary'; offset: number; hex: string }
);
