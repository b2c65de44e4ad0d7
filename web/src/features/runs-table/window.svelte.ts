// The part of a long table that is looked at: pages of rows from the server, one fetched ahead each way. Another sort or
// filter keeps the old rows on screen until the new ones are there. News changes rows where they stand and counts new
// ones instead of moving what a person reads. The last few tables are remembered, so that going back is at once.
import { ApiError, toApiError } from '@/api/client';
import { live } from '@/api/live.svelte';
import { readRuns, type RunScope } from '@/api/resources';
import type { ChangedEvent, RunRow } from '@/api/types';
import { quoteText } from '@/domain/quote-text';
import { rememberRuns } from '@/state/known-runs';

export const pageSize = 100;
const maxPages = 40;
const maxKept = 12;
const maxAskedIds = 200;
const newsPauseMs = 400;

export interface WindowAsk {
  scope: RunScope;
  sort: string;
  cols: readonly string[];
  spark: string;
}

interface Kept {
  pages: Map<number, RunRow[]>;
  total: number;
  queryMs: number;
  elsewhere: Record<string, number>;
}

const kept = new Map<string, Kept>();
const keyOf = (ask: WindowAsk) => JSON.stringify(ask);

export class RunWindow {
  pages = $state.raw(new Map<number, RunRow[]>());
  total = $state(0);
  queryMs = $state(0);
  elsewhere = $state.raw<Record<string, number>>({});
  /** Archived runs that match, where no other does. */
  archived = 0;
  error = $state.raw<ApiError | null>(null);
  hasAnswer = $state(false);
  /** Whether rows are remembered ones, their question asked again but not answered yet. */
  isKept = $state(false);
  isDim = $state(false);
  /** Which runs the rows are of; an older question's while a new one is on its way. */
  answered = $state.raw<RunScope | null>(null);
  /** Runs that came since the rows were read. */
  newCount = $state(0);
  #ask: WindowAsk | null = null;
  #range: [number, number] = [0, 0];
  #abort = new AbortController();
  #pending = new Set<number>();
  #dimTimer: ReturnType<typeof setTimeout> | undefined;
  #newsTimer: ReturnType<typeof setTimeout> | undefined;
  #news: Set<string> | 'many' = new Set();

  /** Ask another question; rows of the old one stay until the answer. */
  ask(ask: WindowAsk): void {
    const before = this.#ask;
    if (before && keyOf(before) === keyOf(ask)) return;
    const isSameList = before !== null && keyOf({ ...before, cols: ask.cols, spark: ask.spark }) === keyOf(ask);
    this.#ask = ask;
    if (!isSameList) this.#range = [0, 0];
    const known = kept.get(keyOf(ask));
    if (known) this.#show(known);
    this.isKept = known !== undefined;
    void this.#restart();
  }

  /** Read everything in view anew, as after "3 new" was pressed. */
  reload(): void {
    void this.#restart();
  }

  row(index: number): RunRow | undefined {
    return this.pages.get(Math.floor(index / pageSize))?.[index % pageSize];
  }

  get rows(): RunRow[] {
    return [...this.pages.entries()].toSorted(([a], [b]) => a - b).flatMap(([, rows]) => rows);
  }

  find(id: string): RunRow | undefined {
    for (const rows of this.pages.values()) {
      const found = rows.find((row) => row.id === id);
      if (found) return found;
    }
    return undefined;
  }

  /** Say which rows are in view, first and last, so that their pages and one each way are there. */
  see(first: number, last: number): void {
    this.#range = [first, last];
    if (this.hasAnswer && !this.isDim) this.#fill();
  }

  /** Change rows where they stand; cells that the new row lacks are kept. */
  patch(rows: ReadonlyMap<string, Partial<RunRow>>): void {
    const pages = new Map(this.pages);
    for (const [page, old] of pages) {
      if (old.some((row) => rows.has(row.id))) pages.set(page, old.map((row) => ({ ...row, ...rows.get(row.id) })));
    }
    this.pages = pages;
    this.#keep();
  }

  /** Take news: rows in view are read again where they stand, at most every 400 ms. */
  hear(event: ChangedEvent): void {
    if (event.runs === 'many') this.#news = 'many';
    else if (this.#news !== 'many') for (const id of event.runs) this.#news.add(id);
    this.#newsTimer ??= setTimeout(() => void this.#catchUp(), newsPauseMs);
  }

  stop(): void {
    this.#abort.abort();
    clearTimeout(this.#newsTimer);
    clearTimeout(this.#dimTimer);
  }

  #pagesWanted(): number[] {
    const last = Math.max(0, Math.ceil(this.total / pageSize) - 1);
    const from = Math.max(0, Math.floor(this.#range[0] / pageSize) - 1);
    const to = Math.min(last, Math.floor(this.#range[1] / pageSize) + 1);
    return Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index);
  }

  async #restart(): Promise<void> {
    this.#abort.abort();
    this.#abort = new AbortController();
    this.#pending.clear();
    clearTimeout(this.#dimTimer);
    this.#dimTimer = setTimeout(() => (this.isDim = this.hasAnswer), 150);
    const first = Math.floor(this.#range[0] / pageSize);
    try {
      const answer = await this.#read(first);
      if (!answer) return;
      this.archived = answer.archived;
      this.#show({ pages: new Map([[first, answer.rows]]), total: answer.total, queryMs: answer.query_ms, elsewhere: answer.elsewhere });
      this.#keep();
      this.#settle(null);
      this.#fill();
      // What was asked before some news and answered after it may lack what they told of.
      if (answer.watermark < live.watermark) this.#news = 'many';
      if (this.#news === 'many' || this.#news.size > 0) this.#newsTimer ??= setTimeout(() => void this.#catchUp(), newsPauseMs);
    } catch (cause) {
      const error = toApiError(cause);
      if (error) this.#settle(error);
    }
  }

  async #read(page: number) {
    const { signal } = this.#abort;
    if (!this.#ask) return null;
    const { scope, ...rest } = this.#ask;
    const answer = await readRuns(scope, { ...rest, offset: page * pageSize, limit: pageSize }, signal);
    rememberRuns(answer.rows.map(({ id, name, note, tags, state }) => ({ id, name, detail: note || tags.join(', ') || state })));
    return signal.aborted ? null : answer;
  }

  #fill(): void {
    for (const page of this.#pagesWanted()) {
      if (this.pages.has(page) || this.#pending.has(page)) continue;
      this.#pending.add(page);
      const pending = this.#pending;
      this.#read(page).then((answer) => {
        pending.delete(page);
        if (answer) this.#add(page, answer.rows);
      }, (cause: unknown) => {
        pending.delete(page);
        const error = toApiError(cause);
        if (error) this.error = error;
      });
    }
  }

  #add(page: number, rows: RunRow[]): void {
    const pages = new Map(this.pages).set(page, rows);
    const middle = Math.floor(this.#range[0] / pageSize);
    const far = [...pages.keys()].toSorted((a, b) => Math.abs(b - middle) - Math.abs(a - middle));
    for (const key of far.slice(0, Math.max(0, pages.size - maxPages))) pages.delete(key);
    this.pages = pages;
    this.#keep();
  }

  #show(state: Kept): void {
    this.pages = state.pages;
    this.total = state.total;
    this.queryMs = state.queryMs;
    this.elsewhere = state.elsewhere;
    this.hasAnswer = true;
    this.newCount = 0;
    this.answered = this.#ask?.scope ?? null;
  }

  #keep(): void {
    if (!this.#ask) return;
    const key = keyOf(this.#ask);
    kept.delete(key);
    kept.set(key, { pages: this.pages, total: this.total, queryMs: this.queryMs, elsewhere: this.elsewhere });
    const oldest = kept.keys().next().value;
    if (kept.size > maxKept && oldest !== undefined) kept.delete(oldest);
  }

  #settle(error: ApiError | null): void {
    clearTimeout(this.#dimTimer);
    this.isDim = false;
    this.isKept = false;
    this.error = error;
  }

  async #catchUp(): Promise<void> {
    this.#newsTimer = undefined;
    if (this.#ask && this.error?.isRetryable) return void this.#restart();
    if (!this.#ask || !this.hasAnswer) return;
    const news = this.#news;
    this.#news = new Set();
    const inView = this.#idsInView();
    const ids = news === 'many' ? inView : inView.filter((id) => news.has(id));
    const { scope, ...rest } = this.#ask;
    const { signal } = this.#abort;
    const only: RunScope = { ...scope, f: `id in (${ids.map(quoteText).join(', ')})`, archived: 'both' };
    try {
      const [count, changed] = await Promise.all([readRuns(scope, { ...rest, cols: [], spark: '', offset: 0, limit: 0 }, signal), ids.length ? readRuns(only, { ...rest, offset: 0, limit: ids.length }, signal) : null]);
      if (signal.aborted) return;
      // Nothing is read yet that could jump: an empty page turns into rows by itself.
      if (this.total === 0 && count.total > 0) return void this.#restart();
      if (changed) this.patch(new Map(changed.rows.map((row) => [row.id, row])));
      this.newCount = Math.max(0, count.total - this.total);
    } catch (cause) {
      const error = toApiError(cause);
      if (error?.isRetryable) this.error = error;
    }
  }

  #idsInView(): string[] {
    const ids: string[] = [];
    for (let index = this.#range[0]; index <= this.#range[1] && ids.length < maxAskedIds; index += 1) {
      const row = this.row(index);
      if (row) ids.push(row.id);
    }
    return ids;
  }
}
