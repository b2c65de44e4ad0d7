// Habits of one person in one browser: theme, density, single keys, the columns of each project. Versioned, so that a
// newer app can read or refuse an older one's; anything unreadable falls back to the default, one field at a time.

export type Theme = 'system' | 'light' | 'dark';
export type Density = 'compact' | 'cosy' | 'roomy';

export interface ColumnLayout {
  /** Keys in their order; null = those that the server proposes. */
  keys: string[] | null;
  pinned: string[];
  /** CSS pixels by key. */
  widths: Record<string, number>;
  /** Whether columns stand in bands by the part of their name before a slash. */
  isBanded: boolean;
  /** Bands that are folded away. */
  folded: string[];
  /** Which way is better, by metric, where this person says otherwise. */
  directions: Record<string, Bettering>;
}

export type Bettering = 'min' | 'max' | 'none';

export interface Preferences {
  theme: Theme;
  density: Density;
  hasSingleKeys: boolean;
  layouts: Record<string, ColumnLayout>;
  baselines: Record<string, string>;
  /** Keys that comparisons of a project leave folded away. */
  muted: Record<string, string[]>;
  /** When the page was last looked at, and from when on things are new, in ms since 1970; 0 = never. */
  visit: { seenAt: number; newSince: number };
}

const storageKey = 'everbloom:preferences';
const version = 1;
const maxLayouts = 100;

export const defaults: Preferences = { theme: 'system', density: 'cosy', hasSingleKeys: true, layouts: {}, baselines: {}, muted: {}, visit: { seenAt: 0, newSince: 0 } };

const betterings: readonly Bettering[] = ['min', 'max', 'none'];
export const plainLayout: Readonly<ColumnLayout> = { keys: null, pinned: [], widths: {}, isBanded: false, folded: [], directions: {} };

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every((item) => typeof item === 'string');
const oneOf = <const T extends string>(value: unknown, options: readonly T[], fallback: T): T => options.find((option) => option === value) ?? fallback;

function parseLayout(value: unknown): ColumnLayout | null {
  if (!isRecord(value)) return null;
  const widths = isRecord(value.widths) ? Object.entries(value.widths).flatMap(([key, px]) => (typeof px === 'number' && px >= 40 && px <= 1200 ? [[key, px]] : [])) : [];
  const directions = isRecord(value.directions) ? Object.entries(value.directions).flatMap(([key, way]) => betterings.filter((known) => known === way).map((known) => [key, known])) : [];
  return {
    keys: isTexts(value.keys) ? value.keys : null,
    pinned: isTexts(value.pinned) ? value.pinned : [],
    widths: Object.fromEntries(widths),
    isBanded: value.isBanded === true,
    folded: isTexts(value.folded) ? value.folded : [],
    directions: Object.fromEntries(directions),
  };
}

function parseVisit(value: unknown): Preferences['visit'] {
  const at = (moment: unknown) => (typeof moment === 'number' && moment > 0 ? moment : 0);
  return isRecord(value) ? { seenAt: at(value.seenAt), newSince: at(value.newSince) } : { seenAt: 0, newSince: 0 };
}

/** Read what was stored; never throws. */
export function parsePreferences(stored: string | null): Preferences {
  let value: unknown = null;
  try {
    value = JSON.parse(stored ?? 'null');
  } catch {
    return structuredClone(defaults);
  }
  if (!isRecord(value) || value.version !== version) return structuredClone(defaults);
  const layouts = isRecord(value.layouts) ? Object.entries(value.layouts) : [];
  const baselines = isRecord(value.baselines) ? Object.entries(value.baselines) : [];
  return {
    theme: oneOf(value.theme, ['system', 'light', 'dark'], defaults.theme),
    density: oneOf(value.density, ['compact', 'cosy', 'roomy'], defaults.density),
    hasSingleKeys: value.hasSingleKeys !== false,
    layouts: Object.fromEntries(layouts.flatMap(([key, item]) => { const layout = parseLayout(item); return layout ? [[key, layout]] : []; })),
    baselines: Object.fromEntries(baselines.flatMap(([key, item]) => (typeof item === 'string' ? [[key, item]] : []))),
    muted: isRecord(value.muted) ? Object.fromEntries(Object.entries(value.muted).flatMap(([key, item]) => (isTexts(item) ? [[key, item]] : []))) : {},
    visit: parseVisit(value.visit),
  };
}

export function printPreferences(value: Preferences): string {
  const layouts = Object.fromEntries(Object.entries(value.layouts).slice(-maxLayouts));
  return JSON.stringify({ version, ...value, layouts });
}

const readStored = () => (typeof localStorage === 'undefined' ? null : localStorage.getItem(storageKey));

export const preferences: Preferences = $state(parsePreferences(readStored()));

/**
 * Change habits and keep them. What other tabs kept meanwhile is read first, so that two tabs that change different
 * things keep both.
 */
function change(make: (now: Preferences) => Partial<Preferences>): void {
  const now = parsePreferences(readStored() ?? printPreferences($state.snapshot(preferences)));
  Object.assign(preferences, { ...now, ...make(now) });
  try {
    localStorage.setItem(storageKey, printPreferences($state.snapshot(preferences)));
  } catch {
    // A full or forbidden storage keeps nothing; the habit holds as long as the tab does.
  }
}

/** Fold a key of a project's comparisons away, or show it again. */
export function toggleMuted(scope: string, key: string): void {
  change(({ muted }) => {
    const now = muted[scope] ?? [];
    return { muted: { ...muted, [scope]: now.includes(key) ? now.filter((one) => one !== key) : [...now, key] } };
  });
}

export const setPreferences = (changes: Partial<Preferences>): void => change(() => changes);

/** Change the columns of one project. */
export function setLayout(scope: string, changes: Partial<ColumnLayout>): void {
  change(({ layouts: { [scope]: now, ...others } }) => ({ layouts: { ...others, [scope]: { ...(now ?? plainLayout), ...changes } } }));
}

export const layoutOf = (scope: string): ColumnLayout => preferences.layouts[scope] ?? { ...plainLayout };

/** Make a run the baseline of a project, or with null none. */
export function setBaseline(scope: string, run: string | null): void {
  change(({ baselines: { [scope]: _, ...others } }) => ({ baselines: run === null ? others : { ...others, [scope]: run } }));
}

const system = typeof matchMedia === 'undefined' ? null : matchMedia('(prefers-color-scheme: dark)');
const machine = $state({ isDark: system?.matches === true });

/** Whether the page is dark now, by choice or by the system. */
export const isDark = (): boolean => preferences.theme === 'dark' || (preferences.theme === 'system' && machine.isDark);

function show(): void {
  document.documentElement.dataset.theme = isDark() ? 'dark' : 'light';
  document.documentElement.dataset.density = preferences.density;
}

/** Show theme and density on the page, follow the system's theme and what other tabs change. */
export function startPreferences(): void {
  show();
  system?.addEventListener('change', () => (machine.isDark = system.matches));
  addEventListener('storage', (event) => {
    if (event.key === storageKey) Object.assign(preferences, parsePreferences(event.newValue));
  });
  $effect.root(() => {
    $effect(show);
  });
}
