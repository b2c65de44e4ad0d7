// What the server answers about one run, and about several side by side, by the names that pages use. The shapes are the
// server's own, generated from its OpenAPI document.
import type { components } from './schema.gen';

type Schemas = components['schemas'];

export type Metric = Schemas['Metric'];
export type MetricPage = Schemas['MetricPage'];
export type RunEnd = Schemas['RunEnd'];
export type Writer = Schemas['Writer'];
export type MediaGroup = Schemas['MediaGroup'];
export type MediaItem = Schemas['MediaItem'];
export type MediaPage = Schemas['MediaPage'];
export type Artifact = Schemas['Artifact'];
export type RunDetail = Schemas['RunDetail'];
export type ParamValue = Schemas['ParamValue'];
export type ConsoleWindow = Schemas['ConsoleWindow'];
export type ConsoleMatches = Schemas['ConsoleMatches'];
export type ComparedMetric = Schemas['ComparedMetric'];
export type ComparedRow = Schemas['ComparedRow'];
export type Comparison = Schemas['Comparison'];
export type Tensor = Schemas['Tensor'];
export type NotebookCell = Schemas['Cell'];

/** A part of a file as data, by what kind of file it is. */
export type Preview =
  | Schemas['TextPreview']
  | Schemas['JsonPreview']
  | Schemas['TablePreview']
  | Schemas['TensorsPreview']
  | Schemas['ModelPreview']
  | Schemas['NotebookPreview']
  | Schemas['MediaPreview']
  | Schemas['BinaryPreview'];
