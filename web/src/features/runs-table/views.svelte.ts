// Saved views: names for what the address bar says. Opening one is a navigation, saving one only names the address, with
// the columns that are kept in this browser written into it, so that whoever opens it sees the same table.
import { liveQuery } from '@/api/queries.svelte';
import { askViews } from '@/api/resources';
import type { SavedView } from '@/api/types';
import { projectPath, type Scope } from '@/domain/paths';
import { list, prettySearch } from '@/state/codec';
import { navigate, url } from '@/state/url.svelte';

/** Bring a query into one order, so that two addresses that say the same are the same; which groups are open is no difference. Pure. */
export function normalQuery(search: string): string {
  const params = new URLSearchParams(search);
  params.delete('open');
  params.sort();
  return params.toString();
}

/** An address's query with the columns written into it; null = it names its own, or they are those that vary. Pure. */
export function withColumns(search: string, keys: readonly string[] | null): string {
  const params = new URLSearchParams(search);
  params.delete('open');
  if (keys && !params.has('cols')) params.set('cols', list().print(keys));
  return prettySearch(params.toString());
}

export class Views {
  readonly query;
  readonly scope: Scope;
  readonly #keptKeys: () => readonly string[] | null;
  #last = $state<string | null>(null);

  constructor(scope: Scope, keptKeys: () => readonly string[] | null) {
    this.scope = scope;
    this.#keptKeys = keptKeys;
    this.query = liveQuery(() => askViews(scope.namespace, scope.project));
    $effect(() => {
      if (this.active) this.#last = this.active.name;
      else if (this.isEverything) this.#last = null;
    });
  }

  readonly all = $derived.by((): readonly SavedView[] => this.query.data?.views ?? []);
  readonly active = $derived.by(() => {
    const now = normalQuery(url.search);
    return this.all.find((view) => normalQuery(view.query) === now) ?? null;
  });
  readonly isEverything = $derived.by(() => normalQuery(url.search) === '');
  readonly isUnsaved = $derived.by(() => this.active === null && !this.isEverything);
  /** The view that was opened and then changed, if that is what is seen. */
  readonly changed = $derived.by(() => (this.isUnsaved ? (this.find(this.#last ?? '') ?? null) : null));

  find(name: string): SavedView | undefined {
    return this.all.find((view) => view.name === name);
  }
  href(view: SavedView | null): string {
    return `${projectPath(this.scope)}${view ? `?${view.query}` : ''}`;
  }
  /** The query of what is seen, columns included. */
  get seen(): string {
    return withColumns(url.search, this.#keptKeys());
  }
  /** Where that is found. */
  get address(): string {
    const query = this.seen;
    return `${url.path}${query ? `?${query}` : ''}`;
  }

  next(): void {
    const order = [null, ...this.all];
    const at = order.findIndex((view) => (view === null ? this.isEverything : view === this.active));
    navigate(this.href(order[(at + 1) % order.length] ?? null));
  }
}
