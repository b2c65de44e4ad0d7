// Which columns are shown and how: chosen, pinned, as wide as dragged, in bands, each metric with its direction. Kept per
// project in this browser, unless the address names columns: then changes go into the address, for whoever opens it.
import type { ColumnCatalogue } from '@/api/types';
import { layoutOf, plainLayout, setLayout, type Bettering, type ColumnLayout } from '@/state/preferences.svelte';
import { showToast } from '@/state/toasts.svelte';
import { arrangeBands } from './bands';
import { defaultKeys, shownColumns, type ShownColumn } from './columns';

export interface LayoutNeeds {
  known: ColumnCatalogue | undefined;
  /** Columns that the address names; none = those kept. */
  named: readonly string[];
  spark: string;
  hasBaseline: boolean;
  isGrouped: boolean;
  rename: (keys: readonly string[]) => void;
}

const [narrowest, widest] = [48, 900];
/** More than anybody reads across, and as many as one address to the server names. */
const mostColumns = 400;

export class TableLayout {
  #key: string;
  #needs: () => LayoutNeeds;

  constructor(key: string, needs: () => LayoutNeeds) {
    this.#key = key;
    this.#needs = needs;
  }

  readonly kept: ColumnLayout = $derived.by(() => layoutOf(this.#key));
  readonly keys: readonly string[] = $derived.by(() => {
    const { named, known } = this.#needs();
    return named.length ? named : (this.kept.keys ?? (known ? defaultKeys(known) : []));
  });
  readonly columns: readonly ShownColumn[] = $derived.by(() => {
    const { known, spark, hasBaseline, isGrouped } = this.#needs();
    if (!known) return [];
    const columns = shownColumns(known, { ...this.kept, keys: this.keys, isGrouped }, spark, hasBaseline);
    if (!this.kept.isBanded) return columns;
    return [...columns.filter((column) => column.isPinned), ...arrangeBands(columns.filter((column) => !column.isPinned), this.kept.folded)];
  });

  setKeys(wanted: readonly string[]): void {
    const keys = wanted.slice(0, mostColumns);
    if (keys.length < wanted.length) showToast(`A table shows at most ${mostColumns} columns; ${wanted.length - mostColumns} are left out.`);
    const { named, rename } = this.#needs();
    if (named.length) rename(keys);
    else setLayout(this.#key, { keys: [...keys] });
  }
  show(key: string, isOn: boolean): void {
    this.setKeys(isOn ? [...this.keys.filter((item) => item !== key), key] : this.keys.filter((item) => item !== key));
  }
  /** Hide a column, with a way back. */
  hide(column: ShownColumn): void {
    const before = this.keys;
    this.setKeys(before.filter((key) => key !== column.key));
    showToast(`Hid ${column.label || column.key}.`, { undo: () => this.setKeys(before) });
  }
  /** Back to the columns that vary. */
  reset(): void {
    const { named, rename } = this.#needs();
    const before = { ...this.kept };
    setLayout(this.#key, { ...plainLayout });
    if (named.length) rename([]);
    showToast('Columns are those that vary.', {
      undo: () => {
        setLayout(this.#key, before);
        if (named.length) rename(named);
      },
    });
  }
  replace(key: string, other: string): void {
    this.setKeys(this.keys.map((item) => (item === key ? other : item)));
  }
  /** Move a column to another's place. */
  move(key: string, to: string): void {
    const at = this.keys.indexOf(to);
    if (at >= 0 && key !== to) this.setKeys(this.keys.filter((item) => item !== key).toSpliced(at, 0, key));
  }
  /** Move a column so many places to the left or right. */
  shift(key: string, step: number): void {
    const at = this.keys.indexOf(key);
    if (at >= 0 && this.keys[at + step] !== undefined) this.setKeys(this.keys.toSpliced(at, 1).toSpliced(at + step, 0, key));
  }

  setWidth(key: string, px: number): void {
    setLayout(this.#key, { widths: { ...this.kept.widths, [key]: Math.round(Math.min(Math.max(px, narrowest), widest)) } });
  }
  togglePin(key: string): void {
    const { pinned } = this.kept;
    setLayout(this.#key, { pinned: pinned.includes(key) ? pinned.filter((item) => item !== key) : [...pinned, key] });
  }
  setBanded(isBanded: boolean): void {
    setLayout(this.#key, { isBanded });
  }
  toggleBand(name: string): void {
    const { folded } = this.kept;
    setLayout(this.#key, { folded: folded.includes(name) ? folded.filter((item) => item !== name) : [...folded, name] });
  }
  /** Say which way of a metric is better; what the server says needs no word. */
  setDirection(metric: string, way: Bettering, isServers: boolean): void {
    const { [metric]: _, ...others } = this.kept.directions;
    setLayout(this.#key, { directions: isServers ? others : { ...others, [metric]: way } });
  }
}
