// Which runs a person has taken, per project. Held apart from the table, so that sorting, filtering, opening a run and
// coming back change nothing about it; kept for the tab's life, a reload included.
import { SvelteSet } from 'svelte/reactivity';
import type { RunId } from '@/domain/ids';

const storageKey = (scope: string) => `everbloom:selection:${scope}`;
const maxKept = 10_000;

/** All runs that a filter matches, as the page tells them that has the filter. */
export interface Matching {
  readonly total: number;
  compare(): void;
}

/** What was taken at a moment, to be taken again. */
export interface Taken {
  readonly ids: readonly RunId[];
  readonly matching: Matching | null;
}

export class Selection {
  readonly ids: SvelteSet<RunId>;
  /** Whether everything that the filter matches is meant, more than the ids that were seen. */
  isAllMatching = $state(false);
  #matching = $state.raw<Matching | null>(null);
  #scope: string;

  constructor(scope: string, ids: readonly RunId[] = []) {
    this.#scope = scope;
    this.ids = new SvelteSet(ids);
  }
  /** Runs that were taken one by one or in a range. */
  get size(): number {
    return this.ids.size;
  }
  /** Everything that the filter matches, where that is meant. */
  get matching(): Matching | null {
    return this.isAllMatching ? this.#matching : null;
  }
  /** How many runs are meant. */
  get count(): number {
    return this.matching?.total ?? this.size;
  }
  takeMatching(matching: Matching): void {
    this.#matching = matching;
    this.isAllMatching = true;
    this.#keep();
  }
  copy(): Taken {
    return { ids: [...this.ids], matching: this.matching };
  }
  /** Take again what was taken, unless something else was since. */
  restore({ ids, matching }: Taken): void {
    if (this.size > 0 || this.isAllMatching) return;
    this.addAll(ids);
    if (matching) this.takeMatching(matching);
  }
  has(id: RunId): boolean {
    return this.ids.has(id);
  }
  toggle(id: RunId, isOn = !this.ids.has(id)): void {
    this.isAllMatching = false;
    if (isOn) this.ids.add(id);
    else this.ids.delete(id);
    this.#keep();
  }
  addAll(ids: readonly RunId[]): void {
    for (const id of ids) this.ids.add(id);
    this.#keep();
  }
  removeAll(ids: readonly RunId[]): void {
    this.isAllMatching = false;
    for (const id of ids) this.ids.delete(id);
    this.#keep();
  }
  clear(): void {
    this.isAllMatching = false;
    this.ids.clear();
    this.#keep();
  }
  #keep(): void {
    // All that match cannot be kept over a reload: then nothing is taken, never a part of what a person saw taken.
    const kept = this.isAllMatching ? [] : [...this.ids].slice(0, maxKept);
    sessionStorage.setItem(storageKey(this.#scope), JSON.stringify(kept));
  }
}

const selections = new Map<string, Selection>();

function readKept(scope: string): RunId[] {
  const value: unknown = JSON.parse(sessionStorage.getItem(storageKey(scope)) ?? '[]');
  return Array.isArray(value) ? value.filter((id) => typeof id === 'string') : [];
}

/** The selection of a project; the same object for as long as the tab lives. */
export function selectionOf(scope: string): Selection {
  let found = selections.get(scope);
  if (!found) {
    found = new Selection(scope, readKept(scope));
    selections.set(scope, found);
  }
  return found;
}

/** What a link to compare does when it is clicked: its address holds the runs that were seen, all that match are asked for. */
export function comparing(taken: Selection | null): (event: MouseEvent) => void {
  return (event) => {
    const matching = taken?.matching;
    if (!matching || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    matching.compare();
  };
}
