import type { ShownColumn } from './columns';

/** How all rows of a table lay out their cells: those in view, and the room left out before them. */
export interface Frame {
  columns: readonly ShownColumn[];
  /** Where pinned columns stick, in CSS pixels, by index. */
  offsets: readonly number[];
  nameWidth: number;
  /** Width of the columns left out before the first loose one. */
  before: number;
  pinnedCount: number;
  /** Place of the first loose column in view among all columns. */
  firstLoose: number;
}
