// What the table lists, run by run or in groups, behind one face: lines for whoever draws, rows for whoever edits, totals
// for whoever counts.
import { readRuns, type RunScope } from '@/api/resources';
import type { ChangedEvent, RunGroup, RunRow } from '@/api/types';
import { GroupList, memberScope, type GroupsAsk } from './groups.svelte';
import { membersBetween } from './group-lines';
import { RunWindow } from './window.svelte';

export type Line = { kind: 'run'; row: RunRow | undefined; isMember: boolean } | { kind: 'group'; group: RunGroup };

/** As many runs as are taken one by one; more are what "all that match" is for. */
export const maxTaken = 10_000;
const askedAtOnce = 1000;

interface Part {
  scope: RunScope;
  from: number;
  to: number;
}

export class Listing {
  readonly flat = new RunWindow();
  readonly groups: GroupList;
  isGrouped = $state(false);
  #ask: GroupsAsk | null = null;

  constructor(open: () => ReadonlySet<string>) {
    this.groups = new GroupList(open);
  }

  ask(ask: GroupsAsk): void {
    this.#ask = ask;
    this.isGrouped = ask.by !== '';
    if (this.isGrouped) this.groups.ask(ask);
    else this.flat.ask({ scope: ask.scope, sort: ask.sort, cols: ask.cols, spark: ask.spark });
  }

  get #now(): RunWindow | GroupList {
    return this.isGrouped ? this.groups : this.flat;
  }
  get hasAnswer(): boolean { return this.#now.hasAnswer; }
  get isDim(): boolean { return this.#now.isDim; }
  get isKept(): boolean { return this.#now.isKept; }
  get error() { return this.#now.error; }
  get answered(): RunScope | null { return this.#now.answered; }
  get queryMs(): number { return this.#now.queryMs; }
  get newCount(): number { return this.#now.newCount; }
  get elsewhere(): Record<string, number> { return this.isGrouped ? {} : this.flat.elsewhere; }
  get archived(): number { return this.isGrouped ? 0 : this.flat.archived; }
  /** Runs that match. */
  get total(): number { return this.isGrouped ? this.groups.runs : this.flat.total; }
  /** Lines of the table, groups among them. */
  get lines(): number { return this.isGrouped ? this.groups.lines : this.flat.total; }

  line(index: number): Line | null {
    if (!this.isGrouped) return index >= 0 && index < this.flat.total ? { kind: 'run', row: this.flat.row(index), isMember: false } : null;
    const place = this.groups.place(index);
    if (!place) return null;
    if (place.kind === 'member') return { kind: 'run', row: this.groups.member(place.group, place.at), isMember: true };
    const group = this.groups.group(place.group);
    return group ? { kind: 'group', group } : null;
  }
  /** The run on a line; undefined on a group's, and while its page is on its way. */
  row(index: number): RunRow | undefined {
    const line = this.line(index);
    return line?.kind === 'run' ? line.row : undefined;
  }
  /** What stands on a line, by a name that it keeps wherever it stands; undefined while its page is on its way. */
  nameOf(index: number): string | undefined {
    const line = this.line(index);
    return line?.kind === 'group' ? line.group.clause : line?.row?.id;
  }
  /** The line of the group that a line belongs to. */
  groupLine(index: number): number {
    const place = this.groups.place(index);
    return place ? (this.groups.starts[place.group] ?? index) : index;
  }

  get #windows(): RunWindow[] {
    return this.isGrouped ? [...this.groups.windows] : [this.flat];
  }
  /** Runs that were read so far, in their order. */
  get rows(): RunRow[] {
    return this.#windows.flatMap((window) => window.rows);
  }
  find(id: string): RunRow | undefined {
    for (const window of this.#windows) {
      const found = window.find(id);
      if (found) return found;
    }
    return undefined;
  }
  patch(rows: ReadonlyMap<string, Partial<RunRow>>): void {
    for (const window of this.#windows) window.patch(rows);
  }
  hear(event: ChangedEvent): void { this.#now.hear(event); }
  reload(): void { this.#now.reload(); }
  see(first: number, last: number): void { this.#now.see(first, last); }
  stop(): void {
    this.flat.stop();
    this.groups.stop();
  }

  /** The ids of the runs on the lines between two, those not read yet from the server; at most 10,000. */
  async idsBetween(first: number, last: number): Promise<string[]> {
    const lines = Array.from({ length: last - first + 1 }, (_, step) => this.line(first + step));
    const runs = lines.filter((line) => line?.kind === 'run');
    const ids = runs.flatMap((line) => line.row?.id ?? []);
    return ids.length === runs.length ? ids : this.#readIds(this.#parts(first, last));
  }
  /** The ids of a group's members, at most 10,000. */
  groupIds(group: RunGroup): Promise<string[]> {
    return this.#ask ? this.#readIds([{ scope: memberScope(this.#ask.scope, group.clause), from: 0, to: group.count - 1 }]) : Promise.resolve([]);
  }
  /** The ids of all that match, at most 10,000. */
  matchingIds(): Promise<string[]> {
    return this.#ask ? this.#readIds([{ scope: this.#ask.scope, from: 0, to: this.total - 1 }]) : Promise.resolve([]);
  }
  #parts(first: number, last: number): Part[] {
    if (!this.#ask) return [];
    const { scope } = this.#ask;
    if (!this.isGrouped) return [{ scope, from: first, to: last }];
    return membersBetween(this.groups.starts, first, last).map(({ group, from, to }) => ({ scope: memberScope(scope, this.groups.group(group)?.clause ?? ''), from, to }));
  }
  async #readIds(parts: readonly Part[]): Promise<string[]> {
    const ids: string[] = [];
    for (const { scope, from, to } of parts) {
      for (let offset = from; offset <= to && ids.length < maxTaken; offset += askedAtOnce) {
        const page = await readRuns(scope, { sort: this.#ask?.sort ?? '', offset, limit: Math.min(askedAtOnce, to - offset + 1), cols: [], spark: '' });
        ids.push(...page.rows.map((row) => row.id));
      }
    }
    return ids.slice(0, maxTaken);
  }
}
