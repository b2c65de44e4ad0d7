/**
 * Where the reader points, shared by all charts of a page: one x, one run in focus, one zoom. A chart redraws its overlay
 * when these change and nothing else. x is in the units of the axis: steps, or seconds.
 */
import type { Range } from './range';

/** A card that is pointed at or has the focus, for keys that are about it. */
export interface PointedCard {
  readonly metric: string;
  readonly toggleLike: (() => void) | null;
}

/** Where a page keeps its zoom, as in its address; without one the cursor keeps it. */
export interface ZoomStore {
  readonly read: () => Range | null;
  readonly write: (zoom: Range | null) => void;
}

export class SharedCursor {
  x = $state<number | null>(null);
  /** The run whose line, or whose name, is pointed at. */
  hovered = $state<string | null>(null);
  /** The run that was clicked: it stays in focus when the pointer leaves. */
  taken = $state<string | null>(null);
  /** The chart that is pointed at: only it shows a tooltip. */
  source = $state<string | null>(null);
  /** The card under the pointer, plot or not. */
  card = $state.raw<PointedCard | null>(null);
  private ownZoom = $state.raw<Range | null>(null);

  constructor(private readonly store: ZoomStore | null = null) {}

  get focus(): string | null {
    return this.hovered ?? this.taken;
  }

  /** The part of x that all charts show; null = everything. */
  get zoom(): Range | null {
    return this.store === null ? this.ownZoom : this.store.read();
  }

  set zoom(zoom: Range | null) {
    if (this.store === null) this.ownZoom = zoom;
    else this.store.write(zoom);
  }

  pointAt(source: string, x: number, hovered: string | null): void {
    this.source = source;
    this.x = x;
    this.hovered = hovered;
  }

  /** Keep a run in focus; take the one that is, or none, to let it go. */
  take(run: string | null): void {
    this.taken = this.taken === run ? null : run;
  }

  leave(source: string): void {
    if (this.source !== source) return;
    this.source = null;
    this.x = null;
    this.hovered = null;
  }
}
