// The runs table's state in one place: what the address asks for, the server's catalogue, the columns shown, the lines in
// view, where the cursor stands, what is edited. Components read it and call it; it draws nothing.
import { untrack } from 'svelte';
import { onChanged } from '@/api/live.svelte';
import { liveQuery } from '@/api/queries.svelte';
import { askBest, askColumns, askProjects, askRow, type RunScope } from '@/api/resources';
import type { Edit, RunGroup, RunRow, SavedView } from '@/api/types';
import { joinClauses, splitClauses } from '@/domain/filter-clauses';
import { formatCount } from '@/domain/numbers';
import { comparePath, runPath, scopeKey, type Scope } from '@/domain/paths';
import { choice, list, text } from '@/state/codec';
import { preferences, setBaseline } from '@/state/preferences.svelte';
import { selectionOf } from '@/state/selection.svelte';
import { showToast } from '@/state/toasts.svelte';
import { setTrail } from '@/state/trail.svelte';
import { navigate, UrlValues } from '@/state/url.svelte';
import { cellKeys, defaultSpark } from './columns';
import { RunEdits } from './edits.svelte';
import { TableLayout } from './layout.svelte';
import { memberScope } from './groups.svelte';
import { Listing, maxTaken } from './listing.svelte';
import { Picks } from './picks.svelte';
import { Views } from './views.svelte';

export const defaultSort = '-created';

export type EditedField = 'note' | 'tags' | 'conclusion' | 'why';
const sumsBeside = ['created', 'duration'];
const maxOpened = 50;
const restMs = 250;

export class RunsModel {
  readonly scope: Scope;
  readonly key: string;
  readonly values = new UrlValues({ f: text(), sort: text(defaultSort), cols: list(), archived: choice(['false', 'true', 'both'], 'false'), spark: text(), group: text(), open: list() });
  readonly list = new Listing(() => this.opened);
  readonly edits = new RunEdits(this.list);
  readonly layout: TableLayout;
  readonly selection;
  readonly picks: Picks;
  readonly views: Views;
  cursor = $state(-1);
  editing = $state<{ id: string; field: EditedField } | null>(null);
  peeked = $state<string | null>(null);
  isTagging = $state(false);
  /** What is being named: a saved view, or with null what is seen. */
  naming = $state.raw<{ view: SavedView | null } | null>(null);
  /** How many lines are seen at once; the table says. */
  screenRows: () => number = () => 10;
  /** What a refused note said, so that nothing typed is lost. */
  draft = $state<string | null>(null);

  constructor(scope: Scope) {
    this.scope = scope;
    this.key = scopeKey(scope);
    this.selection = selectionOf(this.key);
    this.picks = new Picks(this.selection, this.list);
    this.layout = new TableLayout(this.key, () => ({
      known: this.known, named: this.values.now.cols, spark: this.spark, hasBaseline: this.baseline !== null, isGrouped: this.values.now.group !== '',
      rename: (keys) => this.values.set({ cols: keys }, { replace: true }),
    }));
    this.views = new Views(scope, () => (this.values.now.cols.length ? null : this.layout.kept.keys));
    $effect(() => {
      if (!this.known) return;
      const cols = cellKeys(this.columns);
      const ask = { scope: this.where, by: this.values.now.group, sort: this.values.now.sort, cols, sums: [...cols, ...sumsBeside], spark: this.hasSpark ? this.spark : '' };
      untrack(() => this.list.ask(ask));
    });
    $effect(() => {
      const { answered } = this.list;
      if (untrack(() => this.#rested) === null) this.#rested = answered;
      const timer = setTimeout(() => (this.#rested = answered), restMs);
      return () => clearTimeout(timer);
    });
    $effect(() => {
      const of = JSON.stringify([this.where, this.values.now.group]);
      untrack(() => this.picks.startOver(of));
    });
    $effect(() => {
      const isGrouped = this.opened.size >= 0 && this.list.isGrouped;
      if (isGrouped) untrack(() => this.list.groups.follow());
    });
    $effect(() => onChanged((event) => {
      if (event.runs !== 'many' && !event.projects.some(([ns, project]) => ns === scope.namespace && project === scope.project)) return;
      this.list.hear(event);
    }));
    $effect(() => () => this.list.stop());
    $effect(() => {
      // What does not arrive is a comfort, and the page says so itself where more is missing.
      const settled = import('./settled.svelte').then(({ settle }) => settle(this), () => () => {});
      return () => void settled.then((end) => end());
    });
  }

  readonly where: RunScope = $derived.by(() => ({ ns: this.scope.namespace, project: this.scope.project, experiment: this.scope.experiment ?? null, f: this.values.now.f, archived: this.values.now.archived }));
  /** What is said of all matches is asked for once their rows are there: rows first. */
  // What is said over all matches waits until a person rests: asked at once, it would take the processor from the rows of
  // the next filter, which is often a moment away.
  #rested = $state.raw<RunScope | null>(null);
  readonly #settled: RunScope = $derived.by(() => this.#rested ?? this.where);
  readonly catalogue = liveQuery(() => askColumns(this.#settled));
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
  readonly #projects = liveQuery(askProjects);
  readonly project = $derived.by(() => this.#projects.data?.projects.find((item) => item.namespace === this.scope.namespace && item.name === this.scope.project));
  readonly #goals: string = $derived.by(() => (this.project?.goals ?? []).map((goal) => goal.metric).join('\n'));
  readonly best = liveQuery(() => askBest(this.#settled, this.baseline?.id ?? null, this.layout.kept.directions, this.#goals));
  readonly baselineId = $derived.by(() => preferences.baselines[this.key] ?? null);
  /** What its row is asked for. As text: an answer changes the columns' look, which must not be a new question. */
  readonly #baselineCells: string = $derived.by(() => list().print(cellKeys(this.columns)));
  readonly #baselineRow = liveQuery(() => (this.baselineId === null || !this.#baselineCells ? null : askRow(this.baselineId, list().parse(this.#baselineCells), this.spark)));
  readonly baseline: RunRow | null = $derived.by(() => this.#baselineRow.data?.rows.find((row) => row.id === this.baselineId) ?? null);
  readonly spark = $derived.by(() => this.values.now.spark || (this.known ? defaultSpark(this.known) : ''));
  readonly columns = $derived.by(() => this.layout.columns);
  readonly hasSpark = $derived.by(() => this.columns.some((column) => column.kind === 'spark'));
  readonly clauses = $derived.by(() => splitClauses(this.values.now.f));
  /** Clauses of the groups whose members are shown. */
  readonly opened: ReadonlySet<string> = $derived.by(() => new Set(this.values.now.open));

  /** Show what came since: new runs, and the columns that they brought. */
  showNews(): void {
    this.#edition += 1;
    this.list.reload();
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

  /** Group by a key; '' = by none. */
  groupBy(key: string): void {
    this.values.set({ group: key, open: [] });
    this.cursor = -1;
  }
  toggleGroup(group: RunGroup, isOpen = !this.opened.has(group.clause)): void {
    const others = this.values.now.open.filter((clause) => clause !== group.clause);
    this.values.set({ open: isOpen ? [...others, group.clause] : others }, { replace: true });
  }
  openAll(isOpen: boolean): void {
    this.values.set({ open: isOpen ? this.list.groups.groups.slice(0, maxOpened).map((group) => group.clause) : [] }, { replace: true });
  }
  /** Open or fold the group under the cursor; on a member, folding goes to its group. Says whether there was one. */
  turnGroup(isOpen: boolean): boolean {
    const line = this.list.line(this.cursor);
    if (!this.list.isGrouped || !line) return false;
    if (line.kind === 'group') this.toggleGroup(line.group, isOpen);
    else if (!isOpen) this.cursor = this.list.groupLine(this.cursor);
    return true;
  }

  /** Open a run's field where it stands; its column comes where it was not shown. */
  startEdit(row: RunRow, field: EditedField): void {
    const key = field === 'tags' ? 'tag' : field;
    if (!this.layout.keys.includes(key)) this.layout.setKeys(this.layout.keys.toSpliced(1, 0, key));
    this.editing = { id: row.id, field };
  }

  get current(): RunRow | undefined {
    return this.list.row(this.cursor);
  }
  get currentGroup(): RunGroup | null {
    const line = this.list.line(this.cursor);
    return line?.kind === 'group' ? line.group : null;
  }
  move(step: number): void {
    this.cursor = Math.min(Math.max(this.cursor + step, 0), this.list.lines - 1);
  }
  open(row: RunRow | undefined = this.current): void {
    if (!row) return;
    setTrail(this.list.rows.map((item) => item.id));
    navigate(runPath(row.id));
  }
  /** What a bulk action is about: all that match, those taken, or what is under the cursor. */
  get target(): { ids: string[] } | { scope: RunScope } | null {
    if (this.selection.isAllMatching) return { scope: this.where };
    if (this.selection.size) return { ids: [...this.selection.ids] };
    if (this.currentGroup) return { scope: memberScope(this.where, this.currentGroup.clause) };
    return this.current ? { ids: [this.current.id] } : null;
  }
  /** How many runs that is. */
  get targetCount(): number {
    return this.selection.count || (this.currentGroup?.count ?? (this.current ? 1 : 0));
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
    const taken = this.selection.copy();
    const edits: Edit[] = [{ kind: 'set', fields: { archived } }];
    if (target) void this.edits.editMany(target, edits, archived ? 'Archived #.' : 'Restored #.', () => this.selection.restore(taken));
    if (archived) this.selection.clear();
  }
  /** Take all that match, loaded or not. */
  takeMatching(): void {
    const { list } = this;
    this.selection.takeMatching({ get total() { return list.total; }, compare: () => void this.compare() });
  }
  async compare(): Promise<void> {
    const group = this.currentGroup;
    const isAll = this.selection.isAllMatching;
    if (isAll && this.list.total > maxTaken) {
      showToast(`${formatCount(this.list.total)} runs are too many to compare; a filter that leaves ${formatCount(maxTaken)} helps.`);
      return;
    }
    if (!this.selection.size && group) await this.picks.pickGroup(group, true);
    const ids = isAll ? await this.list.matchingIds() : this.selection.size ? [...this.selection.ids] : this.current ? [this.current.id] : [];
    if (ids.length) navigate(comparePath(ids, this.scope));
    else showToast('Select runs to compare: X takes the one under the cursor.');
  }
  setBaseline(row: RunRow | undefined = this.current): void {
    if (!row) return;
    const before = this.baselineId;
    const isOff = before === row.id;
    setBaseline(this.key, isOff ? null : row.id);
    showToast(isOff ? 'No baseline any more.' : `${row.name} is the baseline.`, { undo: () => setBaseline(this.key, before) });
  }
}
