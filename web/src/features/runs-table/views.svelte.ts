// Saved views: names for what the address bar says. Opening one is a navigation, saving one only names the address, with
// the columns that are kept in this browser written into it, so that whoever opens it sees the same table.
import { toApiError } from '@/api/client';
import { liveQuery } from '@/api/queries.svelte';
import { askViews, deleteView, saveView } from '@/api/resources';
import type { SavedView } from '@/api/types';
import { projectPath, type Scope } from '@/domain/paths';
import { list, prettySearch } from '@/state/codec';
import { showToast } from '@/state/toasts.svelte';
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
  #scope: Scope;
  #keptKeys: () => readonly string[] | null;
  #last = $state<string | null>(null);

  constructor(scope: Scope, keptKeys: () => readonly string[] | null) {
    this.#scope = scope;
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
    return `${projectPath(this.#scope)}${view ? `?${view.query}` : ''}`;
  }
  /** Where what is seen is found, columns included. */
  get address(): string {
    const query = withColumns(url.search, this.#keptKeys());
    return `${url.path}${query ? `?${query}` : ''}`;
  }

  next(): void {
    const order = [null, ...this.all];
    const at = order.findIndex((view) => (view === null ? this.isEverything : view === this.active));
    navigate(this.href(order[(at + 1) % order.length] ?? null));
  }

  /** Name what is seen; says what was wrong, or null. A view of that name becomes this one. */
  async save(name: string): Promise<string | null> {
    const before = this.find(name);
    const said = await this.#put(name, withColumns(url.search, this.#keptKeys()));
    if (said !== null) return said;
    const view = this.find(name);
    if (view) navigate(this.href(view), { replace: true });
    showToast(before ? `${name} is what is seen now.` : `Saved as ${name}.`, { undo: () => (before ? void this.#put(name, before.query) : this.remove(name, true)) });
    return null;
  }

  async #put(name: string, query: string): Promise<string | null> {
    try {
      const views = await saveView(this.#scope.namespace, this.#scope.project, name, query);
      this.query.patch(() => views);
      return null;
    } catch (cause) {
      return toApiError(cause)?.message ?? null;
    }
  }

  /** Give a view another name; says what was wrong, or null. */
  async rename(view: SavedView, name: string, isUndo = false): Promise<string | null> {
    if (name === view.name) return null;
    if (this.find(name)) return `There is a view named ${name} already; choose another name.`;
    const said = await this.#put(name, view.query);
    if (said !== null) return said;
    await this.remove(view.name, true);
    if (!isUndo) showToast(`${view.name} is now ${name}.`, { undo: async () => void (await this.rename({ ...view, name }, view.name, true)) });
    return null;
  }

  async remove(name: string, isUndo = false): Promise<void> {
    const view = this.find(name);
    try {
      const views = await deleteView(this.#scope.namespace, this.#scope.project, name);
      this.query.patch(() => views);
      if (view && !isUndo) showToast(`Deleted the view ${name}.`, { undo: async () => void (await this.#put(name, view.query)) });
    } catch (cause) {
      const error = toApiError(cause);
      if (error) showToast(`${error.message} [${error.code}]`, { isError: true });
    }
  }
}
