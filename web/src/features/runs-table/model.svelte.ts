// The runs table's state in one place: what the address asks for, the server's catalogue, the columns shown, the rows in
// view, where the cursor stands, what is edited. Components read it and call it; it draws nothing.
import { untrack } from 'svelte';
import { onChanged } from '@/api/live.svelte';
import { invalidate, liveQuery } from '@/api/queries.svelte';
import { askBest, askColumns, readRuns, type RunScope } from '@/api/resources';
import type { RunRow } from '@/api/types';
import { joinClauses, quoteText, splitClauses } from '@/domain/filter-clauses';
import { comparePath, runPath, scopeKey, type Scope } from '@/domain/paths';
import { choice, list, text } from '@/state/codec';
import { layoutOf, preferences, setLayout, setPreferences, type ColumnLayout } from '@/state/preferences.svelte';
import { selectionOf } from '@/state/selection.svelte';
import { showToast } from '@/state/toasts.svelte';
import { setTrail } from '@/state/trail.svelte';
import { navigate, UrlValues } from '@/state/url.svelte';
import { cellKeys, defaultKeys, defaultSpark, shownColumns } from './columns';
import { RunEdits } from './edits.svelte';
import { Views } from './views.svelte';
import { RunWindow } from './window.svelte';

export const defaultSort = '-created';
export type EditedField = 'note' | 'tags' | 'conclusion' | 'why';

export class RunsModel {
  readonly scope: Scope;
  readonly key: string;
  readonly values = new UrlValues({ f: text(), sort: text(defaultSort), cols: list(), archived: choice(['false', 'true', 'both'], 'false'), spark: text() });
  readonly window = new RunWindow();
  readonly edits = new RunEdits(this.window);
  readonly selection;
  readonly views: Views;
  cursor = $state(-1);
  editing = $state<{ id: string; field: EditedField } | null>(null);
  peeked = $state<string | null>(null);
  isTagging = $state(false);
  isSaving = $state(false);
  /** What a refused note said, so that nothing typed is lost. */
  draft = $state<string | null>(null);
  baseline = $state.raw<RunRow | null>(null);
  #anchor = -1;

  constructor(scope: Scope) {
    this.scope = scope;
    this.key = scopeKey(scope);
    this.selection = selectionOf(this.key);
    this.views = new Views(scope);
    $effect(() => {
      if (!this.known) return;
      const ask = { scope: this.where, sort: this.values.now.sort, cols: cellKeys(this.columns), spark: this.hasSpark ? this.spark : '' };
      untrack(() => this.window.ask(ask));
    });
    $effect(() => {
      const [id, cols] = [this.baselineId, cellKeys(this.columns)];
      untrack(() => void this.#readBaseline(id, cols));
    });
    $effect(() => onChanged((event) => {
      if (event.runs !== 'many' && !event.projects.some(([ns, project]) => ns === scope.namespace && project === scope.project)) return;
      this.window.hear(event);
      invalidate((key) => key.startsWith('columns') || key.startsWith('facet'));
    }));
    $effect(() => () => this.window.stop());
  }

  readonly where: RunScope = $derived.by(() => ({ ns: this.scope.namespace, project: this.scope.project, experiment: this.scope.experiment ?? null, f: this.values.now.f, archived: this.values.now.archived }));
  readonly catalogue = liveQuery(() => askColumns(this.where));
  #default: { of: string; keys: readonly string[] } | null = null;
  #edition = $state(0);
  /** The catalogue as it is now, but with the columns that it proposed first: news never moves a column. */
  readonly known = $derived.by(() => {
    const { data } = this.catalogue;
    if (!data) return undefined;
    const of = `${this.#edition} ${this.catalogue.answered}`;
    if (this.#default?.of !== of) this.#default = { of, keys: data.default };
    return { ...data, default: [...this.#default.keys] };
  });
  readonly best = liveQuery(() => askBest(this.where, this.baselineId));
  readonly baselineId = $derived.by(() => preferences.baselines[this.key] ?? null);
  readonly layout: ColumnLayout = $derived.by(() => {
    const kept = layoutOf(this.key);
    return this.values.now.cols.length ? { ...kept, keys: [...this.values.now.cols] } : kept;
  });
  readonly spark = $derived.by(() => this.values.now.spark || (this.known ? defaultSpark(this.known) : ''));
  readonly columns = $derived.by(() => (this.known ? shownColumns(this.known, this.layout, this.spark, this.baseline !== null) : []));
  readonly hasSpark = $derived.by(() => this.columns.some((column) => column.kind === 'spark'));
  readonly clauses = $derived.by(() => splitClauses(this.values.now.f));
  readonly shownKeys = $derived.by(() => this.layout.keys ?? (this.known ? defaultKeys(this.known) : []));

  /** Show what came since: new runs, and the columns that they brought. */
  showNews(): void {
    this.#edition += 1;
    this.window.reload();
  }

  setClauses(clauses: readonly string[]): void {
    this.values.set({ f: joinClauses(clauses) });
    this.cursor = -1;
  }

  /** Sort by a column: best or greatest first, then the other way, then as before. */
  sortBy(key: string, isLowFirst: boolean): void {
    const first = isLowFirst ? key : `-${key}`;
    const second = isLowFirst ? `-${key}` : key;
    const now = this.values.now.sort;
    this.values.set({ sort: now === first ? second : now === second && key !== 'created' ? defaultSort : first });
  }

  setColumns(keys: readonly string[]): void {
    setLayout(this.key, { keys: [...keys] });
    if (this.values.now.cols.length) this.values.set({ cols: [] }, { replace: true });
  }
  resetColumns(): void {
    setLayout(this.key, { keys: null, pinned: [], widths: {} });
    this.values.set({ cols: [] }, { replace: true });
  }
  setWidth(key: string, px: number): void {
    setLayout(this.key, { widths: { ...layoutOf(this.key).widths, [key]: Math.round(Math.min(Math.max(px, 48), 900)) } });
  }
  togglePin(key: string): void {
    const { pinned } = layoutOf(this.key);
    setLayout(this.key, { pinned: pinned.includes(key) ? pinned.filter((item) => item !== key) : [...pinned, key] });
  }
  /** Move a column to another's place. */
  moveColumn(key: string, to: string): void {
    const keys = this.shownKeys.filter((item) => item !== key);
    const at = this.shownKeys.indexOf(to);
    if (at >= 0 && key !== to) this.setColumns(keys.toSpliced(at, 0, key));
  }
  /** Move a column one place to the left or right. */
  shiftColumn(key: string, step: number): void {
    const at = this.shownKeys.indexOf(key);
    const to = this.shownKeys[at + step];
    if (at >= 0 && to) this.setColumns(this.shownKeys.toSpliced(at, 1).toSpliced(at + step, 0, key));
  }
  replaceColumn(key: string, other: string): void {
    this.setColumns(this.shownKeys.map((item) => (item === key ? other : item)));
  }

  /** Open a run's field where it stands; its column comes where it was not shown. */
  startEdit(row: RunRow, field: EditedField): void {
    const key = field === 'tags' ? 'tag' : field;
    if (!this.shownKeys.includes(key)) this.setColumns(this.shownKeys.toSpliced(1, 0, key));
    this.editing = { id: row.id, field };
  }

  get current(): RunRow | undefined {
    return this.window.row(this.cursor);
  }
  move(step: number): void {
    this.cursor = Math.min(Math.max(this.cursor + step, 0), this.window.total - 1);
  }
  open(row: RunRow | undefined = this.current): void {
    if (!row) return;
    setTrail(this.window.rows.map((item) => item.id));
    navigate(runPath(row.id));
  }
  /** Take or leave a run; `isRange` takes all from the last one taken. */
  select(index: number, isRange: boolean, isOn?: boolean): void {
    const row = this.window.row(index);
    if (!row) return;
    if (isRange && this.#anchor >= 0) {
      const [from, to] = [Math.min(this.#anchor, index), Math.max(this.#anchor, index)];
      const ids = Array.from({ length: to - from + 1 }, (_, step) => this.window.row(from + step)?.id).filter((id) => id !== undefined);
      this.selection.addAll(ids);
    } else this.selection.toggle(row.id, isOn);
    this.#anchor = index;
  }
  /** What a bulk action is about: all that match, those taken, or the one under the cursor. */
  get target(): { ids: string[] } | { scope: RunScope } | null {
    if (this.selection.isAllMatching) return { scope: this.where };
    if (this.selection.size) return { ids: [...this.selection.ids] };
    return this.current ? { ids: [this.current.id] } : null;
  }
  like(row: RunRow): void {
    const isOn = row.likes === 0;
    void this.edits.edit(row, [{ kind: 'like', on: isOn }], isOn ? `Liked ${row.name}.` : `${row.name} is no longer liked.`);
  }
  likeTarget(): void {
    const { target } = this;
    if (!this.selection.size && this.current) this.like(this.current);
    else if (target) void this.edits.editMany(target, [{ kind: 'like', on: true }], 'Liked #.');
  }
  archiveTarget(): void {
    const { target } = this;
    const archived = this.values.now.archived === 'false';
    if (target) void this.edits.editMany(target, [{ kind: 'set', fields: { archived } }], archived ? 'Archived #.' : 'Restored #.');
    if (archived) this.selection.clear();
  }
  compare(): void {
    const ids = this.selection.size ? [...this.selection.ids] : this.current ? [this.current.id] : [];
    if (ids.length) navigate(comparePath(ids, this.scope));
    else showToast('Select runs to compare: X takes the one under the cursor.');
  }
  setBaseline(row: RunRow | undefined = this.current): void {
    if (!row) return;
    const { [this.key]: before, ...others } = preferences.baselines;
    const isOff = before === row.id;
    setPreferences({ baselines: isOff ? others : { ...others, [this.key]: row.id } });
    showToast(isOff ? 'No baseline any more.' : `${row.name} is the baseline.`, { undo: () => setPreferences({ baselines: before ? { ...others, [this.key]: before } : others }) });
  }

  async #readBaseline(id: string | null, cols: readonly string[]): Promise<void> {
    if (id === null) this.baseline = null;
    if (id === null || cols.length === 0) return;
    const page = await readRuns({ ns: null, project: null, experiment: null, f: `id = ${quoteText(id)}`, archived: 'both' }, { sort: defaultSort, offset: 0, limit: 1, cols, spark: this.spark }).catch(() => null);
    this.baseline = page?.rows[0] ?? null;
  }
}
