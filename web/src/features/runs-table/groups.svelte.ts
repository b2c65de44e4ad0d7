// Runs in groups: what all members of each come to, by the server, and under those that are open their members, read by
// windows like the whole table is. News changes numbers where they stand; groups and members that came wait for a click.
import { SvelteMap } from 'svelte/reactivity';
import { toApiError, type ApiError } from '@/api/client';
import { readGroups, type RunScope } from '@/api/resources';
import type { ChangedEvent, RunGroup, RunGroups, RunRow } from '@/api/types';
import { joinClauses } from '@/domain/filter-clauses';
import { membersBetween, placeOf, startsOf, type LinePlace } from './group-lines';
import { RunWindow } from './window.svelte';

export const maxGroups = 1000;
const newsPauseMs = 1500;
const maxKept = 6;

export interface GroupsAsk {
  scope: RunScope;
  by: string;
  sort: string;
  cols: readonly string[];
  /** What is summed up of each group. */
  sums: readonly string[];
  spark: string;
}

const kept = new Map<string, RunGroups>();
const keyOf = ({ scope, by, sort, sums }: GroupsAsk) => JSON.stringify([scope, by, sort, sums]);

export class GroupList {
  groups = $state.raw<readonly RunGroup[]>([]);
  total = $state(0);
  runs = $state(0);
  queryMs = $state(0);
  error = $state.raw<ApiError | null>(null);
  hasAnswer = $state(false);
  /** Whether groups are remembered ones, their question asked again but not answered yet. */
  isKept = $state(false);
  isDim = $state(false);
  /** Which runs the groups are of; an older question's while a new one is on its way. */
  answered = $state.raw<RunScope | null>(null);
  newCount = $state(0);
  #ask: GroupsAsk | null = null;
  #open: () => ReadonlySet<string>;
  #windows = new SvelteMap<string, RunWindow>();
  #abort = new AbortController();
  #dimTimer: ReturnType<typeof setTimeout> | undefined;
  #newsTimer: ReturnType<typeof setTimeout> | undefined;

  /** `open` names the clauses of the groups whose members are shown. */
  constructor(open: () => ReadonlySet<string>) {
    this.#open = open;
  }

  readonly starts = $derived.by(() => startsOf(this.groups.map((group) => ({ members: this.#open().has(group.clause) ? this.#members(group) : 0 }))));

  get lines(): number {
    return this.starts.at(-1) ?? 0;
  }
  #members(group: RunGroup): number {
    const window = this.#windows.get(group.clause);
    return window?.hasAnswer ? window.total : group.count;
  }

  ask(ask: GroupsAsk): void {
    const isSame = this.#ask !== null && keyOf(this.#ask) === keyOf(ask);
    this.#ask = ask;
    for (const [clause, window] of this.#windows) window.ask(this.#memberAsk(ask, clause));
    if (isSame) return;
    const known = kept.get(keyOf(ask));
    if (known) this.#show(known);
    this.isKept = known !== undefined;
    void this.#read();
  }

  /** Have windows for the open groups and no others; call as they open and fold. */
  follow(): void {
    const open = this.#open();
    for (const [clause, window] of this.#windows) {
      if (open.has(clause)) continue;
      window.stop();
      this.#windows.delete(clause);
    }
    for (const clause of open) {
      if (this.#windows.has(clause) || !this.#ask) continue;
      const window = new RunWindow();
      window.ask(this.#memberAsk(this.#ask, clause));
      this.#windows.set(clause, window);
    }
  }
  #memberAsk({ scope, sort, cols, spark }: GroupsAsk, clause: string) {
    return { scope: memberScope(scope, clause), sort, cols, spark };
  }

  reload(): void {
    for (const window of this.#windows.values()) window.reload();
    void this.#read();
  }

  place(line: number): LinePlace | null {
    return placeOf(this.starts, line);
  }
  group(index: number): RunGroup | undefined {
    return this.groups[index];
  }
  member(group: number, at: number): RunRow | undefined {
    return this.#windowOf(group)?.row(at);
  }
  #windowOf(group: number): RunWindow | undefined {
    return this.#windows.get(this.groups[group]?.clause ?? '');
  }
  get windows(): Iterable<RunWindow> {
    return this.#windows.values();
  }

  see(first: number, last: number): void {
    for (const { group, from, to } of membersBetween(this.starts, first, last)) this.#windowOf(group)?.see(from, to);
  }

  /** Take news: members in view where they stand, the groups' numbers a little later, all in one go. */
  hear(event: ChangedEvent): void {
    for (const window of this.#windows.values()) window.hear(event);
    this.#newsTimer ??= setTimeout(() => void this.#catchUp(), newsPauseMs);
  }

  stop(): void {
    this.#abort.abort();
    clearTimeout(this.#newsTimer);
    clearTimeout(this.#dimTimer);
    for (const window of this.#windows.values()) window.stop();
  }

  async #read(): Promise<void> {
    this.#abort.abort();
    this.#abort = new AbortController();
    const { signal } = this.#abort;
    clearTimeout(this.#dimTimer);
    this.#dimTimer = setTimeout(() => (this.isDim = this.hasAnswer), 150);
    try {
      const answer = await this.#fetch(signal);
      if (!answer || signal.aborted) return;
      this.#show(answer);
      this.error = null;
    } catch (cause) {
      const error = toApiError(cause);
      if (!error) return;
      this.error = error;
    }
    clearTimeout(this.#dimTimer);
    this.isDim = false;
    this.isKept = false;
  }

  async #fetch(signal: AbortSignal): Promise<RunGroups | null> {
    if (!this.#ask) return null;
    const { scope, by, sort, sums } = this.#ask;
    return readGroups(scope, { by, sort, cols: sums, limit: maxGroups }, signal);
  }

  #show(answer: RunGroups): void {
    this.groups = answer.groups;
    this.total = answer.total;
    this.runs = answer.runs;
    this.queryMs = answer.query_ms;
    this.hasAnswer = true;
    this.newCount = 0;
    this.answered = this.#ask?.scope ?? null;
    if (!this.#ask) return;
    kept.delete(keyOf(this.#ask));
    kept.set(keyOf(this.#ask), answer);
    const oldest = kept.keys().next().value;
    if (kept.size > maxKept && oldest !== undefined) kept.delete(oldest);
  }

  async #catchUp(): Promise<void> {
    this.#newsTimer = undefined;
    if (!this.hasAnswer) return;
    const { signal } = this.#abort;
    const answer = await this.#fetch(signal).catch(() => null);
    if (!answer || signal.aborted) return;
    // Nothing is read yet that could jump: an empty page turns into groups by itself.
    if (this.runs === 0 && answer.runs > 0) return this.#show(answer);
    const now = new Map(answer.groups.map((group) => [group.clause, group]));
    this.groups = this.groups.map((group) => ({ ...(now.get(group.clause) ?? group), count: group.count }));
    this.newCount = Math.max(0, answer.runs - this.runs);
  }
}

/** Where the members of a group are found. */
export const memberScope = (scope: RunScope, clause: string): RunScope => ({ ...scope, f: joinClauses([scope.f, clause]) });
