// Where a floating box goes: under its trigger, above where there is no room, never off the screen. Pure.

export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

export interface Placed {
  left: number;
  top: number;
  maxHeight: number;
}

const gap = 4;
const margin = 8;

/** Place a box of `size` beside `anchor` inside a screen, all in CSS pixels. */
export function placeBox(anchor: Box, size: { width: number; height: number }, screen: { width: number; height: number }, align: 'start' | 'end' = 'start'): Placed {
  const wanted = align === 'start' ? anchor.left : anchor.left + anchor.width - size.width;
  const left = Math.max(margin, Math.min(wanted, screen.width - size.width - margin));
  const below = screen.height - margin - (anchor.top + anchor.height + gap);
  const above = anchor.top - gap - margin;
  if (size.height <= below || below >= above) return { left, top: anchor.top + anchor.height + gap, maxHeight: Math.max(0, below) };
  const maxHeight = Math.max(0, above);
  return { left, top: anchor.top - gap - Math.min(size.height, maxHeight), maxHeight };
}
