// What the server answers, by the names that pages use. The shapes are the server's own, generated from its OpenAPI
// document; what OpenAPI cannot say (the event stream, the one error shape) is written here.
import type { RunId } from '@/domain/ids';
import type { components } from './schema.gen';

type Schemas = components['schemas'];

export type Session = Schemas['Session'];
export type Goal = Schemas['Goal'];
export type Objective = Schemas['Objective'];
export type Project = Schemas['Project'];
export type Projects = Schemas['ProjectList'];
export type RunRow = Schemas['RunRow'];
export type RunPage = Schemas['RunPage'];
export type RunState = RunRow['state'];
export type Verdict = NonNullable<RunRow['verdict']>;
export type Column = Schemas['Column'];
export type ColumnKind = Column['kind'];
export type ColumnCatalogue = Schemas['ColumnCatalogue'];
export type Cell = RunRow['cells'][string];
export type Facet = Schemas['Facet'];
export type GroupCell = Schemas['GroupCell'];
export type RunGroup = Schemas['RunGroup'];
export type RunGroups = Schemas['RunGroups'];
export type Best = Schemas['BestRun'];
export type Direction = Best['direction'];
export type Offer = Schemas['Offer'];
export type Completion = Schemas['Completion'];
export type SearchHit = Schemas['Hit'];
export type SavedView = Schemas['View'];
export type ShortLink = Schemas['ShortLink'];
export type EditResult = Schemas['EditAnswer'];
export type BulkResult = Schemas['BulkAnswer'];
/** An edit as the server tells it, as in what undoes another one. */
export type AnsweredEdit = EditResult['undo'][number];

/** An edit as a page sends it: what has a default may be left out. */
export type Edit =
  | AnsweredEdit
  | { kind: 'tag'; add: string[]; remove: string[] }
  | { kind: 'note'; text: string; append?: boolean; base?: number | null }
  | { kind: 'like'; on: boolean; target?: string }
  | { kind: 'set'; fields: SetFields; expect?: SetFields | null };

export type SetFields = Record<string, string | boolean | null>;

export interface ErrorBody {
  error: { code: string; message: string; fields?: Record<string, unknown> };
}

export interface ChangedEvent {
  watermark: number;
  runs: RunId[] | 'many';
  /** Namespace and project of each run. */
  projects: [string, string][];
}
