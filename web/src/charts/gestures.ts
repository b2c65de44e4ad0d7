/**
 * What hands do on a chart: point, drag to zoom x, shift-drag to zoom y, double-click to see everything, click to take a
 * run. Pixels from the element's corner; what they mean is the chart's.
 */
import type { Box } from './places';

export interface Hands {
  readonly point: (x: number, y: number) => void;
  readonly leave: () => void;
  readonly drag: (box: Box | null) => void;
  readonly zoomX: (from: number, to: number) => void;
  readonly zoomY: (from: number, to: number) => void;
  readonly reset: () => void;
  readonly click: (x: number, y: number) => void;
  /** Where lines are drawn, as a box is as high or wide as that. */
  readonly area: () => Box | null;
}

/** Less than this is a click. */
const DRAG_LEAST_PX = 5;

/** Attach to a chart's upper layer. */
export function gestures(hands: Hands): (node: HTMLElement) => () => void {
  return (node) => {
    const abort = new AbortController();
    let start: { x: number; y: number; isVertical: boolean } | null = null;
    const placeOf = (event: MouseEvent): { x: number; y: number } => {
      const box = node.getBoundingClientRect();
      return { x: event.clientX - box.left, y: event.clientY - box.top };
    };
    const on = <K extends keyof HTMLElementEventMap>(kind: K, handle: (event: HTMLElementEventMap[K]) => void): void =>
      node.addEventListener(kind, handle, { signal: abort.signal });

    on('pointerdown', (event) => {
      if (event.button !== 0) return;
      start = { ...placeOf(event), isVertical: event.shiftKey };
      node.setPointerCapture(event.pointerId);
    });
    on('pointermove', (event) => {
      const now = placeOf(event);
      hands.point(now.x, now.y);
      if (start !== null) hands.drag(toBox(start, now, hands.area()));
    });
    on('pointerup', (event) => {
      const began = start;
      start = null;
      hands.drag(null);
      if (began !== null) finish(hands, began, placeOf(event));
    });
    on('pointercancel', () => {
      start = null;
      hands.drag(null);
    });
    on('pointerleave', () => hands.leave());
    on('dblclick', () => hands.reset());
    return () => abort.abort();
  };
}

interface Start {
  readonly x: number;
  readonly y: number;
  readonly isVertical: boolean;
}

function finish(hands: Hands, start: Start, end: { x: number; y: number }): void {
  const moved = start.isVertical ? Math.abs(end.y - start.y) : Math.abs(end.x - start.x);
  if (moved < DRAG_LEAST_PX) hands.click(end.x, end.y);
  else if (start.isVertical) hands.zoomY(Math.max(start.y, end.y), Math.min(start.y, end.y));
  else hands.zoomX(Math.min(start.x, end.x), Math.max(start.x, end.x));
}

/** The box of a drag: as high as the plot where x is zoomed, as wide where y is. */
export function toBox(start: Start, now: { x: number; y: number }, area: Box | null): Box | null {
  if (area === null) return null;
  if (start.isVertical) {
    const top = clamp(Math.min(start.y, now.y), area.top, area.top + area.height);
    const bottom = clamp(Math.max(start.y, now.y), area.top, area.top + area.height);
    return { left: area.left, top, width: area.width, height: bottom - top };
  }
  const left = clamp(Math.min(start.x, now.x), area.left, area.left + area.width);
  const right = clamp(Math.max(start.x, now.x), area.left, area.left + area.width);
  return { left, top: area.top, width: right - left, height: area.height };
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
