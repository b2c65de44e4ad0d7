/**
 * Where the reader points, shared by all charts of a page: one x, one run in focus, one zoom. A chart redraws its overlay
 * when these change and nothing else. x is in the units of the axis: steps, or seconds.
 */
import type { Range } from './range';

export class SharedCursor {
  x = $state<number | null>(null);
  /** The run whose line is nearest to the pointer. */
  focus = $state<string | null>(null);
  /** The chart that is pointed at: only it shows a tooltip. */
  source = $state<string | null>(null);
  /** The part of x that all charts show; null = everything. */
  zoom = $state.raw<Range | null>(null);

  pointAt(source: string, x: number, focus: string | null): void {
    this.source = source;
    this.x = x;
    this.focus = focus;
  }

  leave(source: string): void {
    if (this.source !== source) return;
    this.source = null;
    this.x = null;
    this.focus = null;
  }
}
