// What the palette offers for what is typed: a filter with its count, runs, things to do, places to go, in one list, those
// whose name fits best first, else in this order. What this tab knows answers in the same frame: the filter as it is read,
// runs seen before, commands, projects. The server's count and runs follow, and a newer keystroke drops an older answer.
import { ApiError } from '@/api/client';
import { readRuns, searchRuns, type RunScope } from '@/api/resources';
import type { Project, RunPage, SearchHit } from '@/api/types';
import { describeClause } from '@/domain/filter-clauses';
import { correctionsOf } from '@/domain/filter-corrections';
import { isUnfinished } from '@/domain/filter-unfinished';
import { fitOf, rankByFit } from '@/domain/matching';
import { formatCount } from '@/domain/numbers';
import { projectPath, runPath, type Scope } from '@/domain/paths';
import { everywhere, listCommands, printKeys, type Command } from '@/state/keys.svelte';
import { findKnown } from '@/state/known-runs';
import { navigate } from '@/state/url.svelte';

export interface Entry {
  id: string;
  kind: 'Filter' | 'Run' | 'Do' | 'Go';
  label: string;
  detail: string;
  keys: string;
  run: () => void;
}

const isWay = (command: Command) => command.keys.startsWith('G then');
const settleMs = 60;
const runsShown = 6;

export class Palette {
  typed = $state('');
  server = $state.raw<Answer | null>(null);
  isAsking = $state(false);
  #scope: () => Scope | null;
  #projects: () => readonly Project[];
  /** Filters that the server refused, with what they were perhaps meant to be. */
  readonly #refused = new Map<string, readonly string[]>();
  #abort: AbortController | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(scope: () => Scope | null, projects: () => readonly Project[]) {
    this.#scope = scope;
    this.#projects = projects;
  }

  readonly entries = $derived.by(() => {
    const named = rankByFit([...this.#runs(), ...this.#commands(), ...this.#places()], this.typed, (entry) => entry.label);
    // Words alone are a filter too, but who types a whole name means what has it.
    const isExact = (entry: Entry) => fitOf(entry.label, this.typed) === 0;
    const first = named.filter(isExact);
    return [...first, ...this.#filters(), ...named.slice(first.length)];
  });

  type(text: string): void {
    this.typed = text;
    clearTimeout(this.#timer);
    this.#abort?.abort();
    this.isAsking = text.trim() !== '';
    if (!this.isAsking) this.server = null;
    else this.#timer = setTimeout(() => void this.#ask(text.trim()), settleMs);
  }

  /** The filter that the text is, until the server refuses it. */
  #filters(): Entry[] {
    const text = this.typed.trim();
    const scope = this.#scope();
    if (!text || !scope || isUnfinished(text)) return [];
    if (this.server?.text !== text) return this.#refused.has(text) ? [] : [filterEntry(text, null, scope)];
    return this.server.filters.map((filter) => filterEntry(filter.text, filter.total, scope));
  }
  #runs(): Entry[] {
    const isTyped = this.typed.trim() !== '';
    const entries = new Map<string, Entry>();
    if (isTyped) for (const { id, name, detail } of findKnown(this.typed, runsShown)) entries.set(`run:${id}`, runEntry(id, name, detail));
    // An answer to an older text stays for what it still matches.
    for (const entry of this.server?.runs ?? []) {
      const isMeant = this.server?.text === this.typed.trim() || fitOf(entry.label, this.typed) !== null;
      if (isMeant && !entries.has(entry.id)) entries.set(entry.id, entry);
    }
    return isTyped ? rankByFit([...entries.values()], this.typed, (entry) => entry.label).slice(0, runsShown) : [];
  }
  /** What the page can do comes before what every page can, and all of it before ways to elsewhere. */
  #commands(): Entry[] {
    const offered = listCommands().filter((command) => command.isOffered !== false && fitOf(command.label, this.typed) !== null);
    const rank = (command: Command) => (isWay(command) ? 2 : command.group === everywhere ? 1 : 0);
    return offered
      .toSorted((a, b) => rank(a) - rank(b))
      .map((command) => ({ id: `do:${command.keys}:${command.label}`, kind: isWay(command) ? 'Go' : 'Do', label: command.label, detail: '', keys: printKeys(command.keys), run: command.run }));
  }

  #places(): Entry[] {
    const projects = this.#projects().map((project): Entry => {
      const scope = { namespace: project.namespace, project: project.name };
      return { id: `go:${projectPath(scope)}`, kind: 'Go', label: project.name, detail: `${project.namespace}, ${formatCount(project.runs)} runs`, keys: '', run: () => navigate(projectPath(scope)) };
    });
    const found = projects.filter((entry) => fitOf(`${entry.label} ${entry.detail}`, this.typed) !== null);
    return rankByFit(found, this.typed, (entry) => entry.label).slice(0, 12);
  }

  async #ask(text: string): Promise<void> {
    const abort = new AbortController();
    this.#abort = abort;
    const scope = this.#scope();
    const where: RunScope = { ns: scope?.namespace ?? null, project: scope?.project ?? null, experiment: scope?.experiment ?? null, f: text, archived: 'false' };
    const page = { sort: '-created', offset: 0, limit: runsShown, cols: [], spark: '' };
    const read = (f: string) => readRuns({ ...where, f }, page, abort.signal);
    const [matches, hits] = await Promise.allSettled([this.#readFilters(text, read), searchRuns(text, where.ns, where.project, abort.signal)]);
    if (abort.signal.aborted) return;
    const found = matches.status === 'fulfilled' ? matches.value : [];
    const filters = found.map((filter) => ({ text: filter.text, total: filter.page.total }));
    this.server = { text, filters, runs: runEntries(found[0]?.page ?? null, hits.status === 'fulfilled' ? hits.value.hits : []) };
    this.isAsking = false;
  }

  /** Read a filter, or what was perhaps meant (`acc > 0.9`) where the server refuses it; what it refused it is not asked twice. */
  async #readFilters(text: string, read: (f: string) => Promise<RunPage>): Promise<{ text: string; page: RunPage }[]> {
    if (isUnfinished(text)) return [];
    if (!this.#refused.has(text)) {
      try {
        return [{ text, page: await read(text) }];
      } catch (cause) {
        if (!(cause instanceof ApiError) || cause.isRetryable) return [];
        this.#refused.set(text, correctionsOf(cause.fields).map((correction) => correction.text));
      }
    }
    const meant = (this.#refused.get(text) ?? []).slice(0, mostCorrections);
    const found = await Promise.allSettled(meant.map(async (f) => ({ text: f, page: await read(f) })));
    return found.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
  }
}

interface Answer {
  text: string;
  /** What the text is as a filter, or was perhaps meant to be, with how many runs match; none where it is no filter. */
  filters: { text: string; total: number }[];
  runs: Entry[];
}

const mostCorrections = 2;

function filterEntry(text: string, total: number | null, scope: Scope): Entry {
  const label = describeClause(text).filter(Boolean).join(' ');
  const run = () => navigate(`${projectPath(scope)}?${new URLSearchParams({ f: text })}`);
  return { id: `filter:${text}`, kind: 'Filter', label, detail: total === null ? 'counting…' : total === 1 ? '1 run matches' : `${formatCount(total)} runs match`, keys: '', run };
}

const runEntry = (id: string, label: string, detail: string): Entry => ({ id: `run:${id}`, kind: 'Run', label, detail, keys: '', run: () => navigate(runPath(id)) });

function runEntries(found: RunPage | null, hits: readonly SearchHit[]): Entry[] {
  const entries = new Map<string, Entry>();
  const add = (id: string, label: string, detail: string) => {
    if (!entries.has(id)) entries.set(id, runEntry(id, label, detail));
  };
  for (const row of found?.rows ?? []) add(row.id, row.name, row.note || row.tags.join(', ') || row.state);
  for (const hit of hits) add(hit.run_id, hit.name, `${hit.where}: ${hit.excerpt}`);
  return [...entries.values()].slice(0, runsShown);
}
