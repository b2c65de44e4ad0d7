/**
 * The theme's colours for canvases, which cannot read CSS. Read once a theme, and again when it changes; charts that use
 * them redraw by themselves.
 */
import { slotProperty } from '@/domain/colour';

export interface Palette {
  readonly ink: string;
  readonly quietInk: string;
  readonly grid: string;
  readonly line: string;
  readonly panel: string;
  readonly bad: string;
  readonly signal: string;
  readonly numberFont: string;
  readonly runs: readonly string[];
}

const state = $state({ version: 0 });
let observer: MutationObserver | null = null;
let cached: { version: number; palette: Palette } | null = null;

/** The colours of the theme that is shown; reactive. */
export function currentPalette(): Palette {
  observer ??= watchTheme();
  const version = state.version;
  if (cached?.version !== version) cached = { version, palette: readPalette() };
  return cached.palette;
}

/** The colour of a slot in a palette. */
export function runColour(palette: Palette, slot: number): string {
  const number = Number(slotProperty(slot).slice('--run-'.length));
  return palette.runs[number - 1] ?? palette.ink;
}

function watchTheme(): MutationObserver {
  const found = new MutationObserver(() => {
    state.version += 1;
  });
  found.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme', 'data-density'] });
  // Axes are drawn with the page's font: once it is there, they are drawn anew.
  void document.fonts?.ready.then(() => {
    state.version += 1;
  });
  return found;
}

function readPalette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const read = (name: string): string => style.getPropertyValue(name).trim();
  return {
    ink: read('--ink'),
    quietInk: read('--ink-3'),
    grid: read('--grid'),
    line: read('--line-strong'),
    panel: read('--panel'),
    bad: read('--bad'),
    signal: read('--sig'),
    numberFont: read('--font-num') || 'monospace',
    runs: Array.from({ length: 8 }, (_, index) => read(`--run-${index + 1}`)),
  };
}
