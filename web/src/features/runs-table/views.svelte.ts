// Saved views: names for what the address bar says. Opening one is a navigation, saving one only names the address.
import { toApiError } from '@/api/client';
import { liveQuery } from '@/api/queries.svelte';
import { askViews, deleteView, saveView } from '@/api/resources';
import type { SavedView } from '@/api/types';
import { projectPath, type Scope } from '@/domain/paths';
import { showToast } from '@/state/toasts.svelte';
import { navigate, url } from '@/state/url.svelte';

/** Bring a query into one order, so that two addresses that say the same are the same. Pure. */
export function normalQuery(search: string): string {
  const params = new URLSearchParams(search);
  params.sort();
  return params.toString();
}

export class Views {
  readonly query;
  #scope: Scope;

  constructor(scope: Scope) {
    this.#scope = scope;
    this.query = liveQuery(() => askViews(scope.namespace, scope.project));
  }

  readonly all = $derived.by((): readonly SavedView[] => this.query.data?.views ?? []);
  readonly active = $derived.by(() => {
    const now = normalQuery(url.search);
    return this.all.find((view) => normalQuery(view.query) === now) ?? null;
  });
  readonly isEverything = $derived.by(() => normalQuery(url.search) === '');
  readonly isUnsaved = $derived.by(() => this.active === null && !this.isEverything);

  href(view: SavedView | null): string {
    return `${projectPath(this.#scope)}${view ? `?${view.query}` : ''}`;
  }

  next(): void {
    const order = [null, ...this.all];
    const at = order.findIndex((view) => (view === null ? this.isEverything : view === this.active));
    navigate(this.href(order[(at + 1) % order.length] ?? null));
  }

  async save(name: string, query = url.search.replace(/^\?/, '')): Promise<string | null> {
    try {
      const views = await saveView(this.#scope.namespace, this.#scope.project, name, query);
      this.query.patch(() => views);
      showToast(`Saved as ${name}.`, { undo: () => this.remove(name, true) });
      return null;
    } catch (cause) {
      return toApiError(cause)?.message ?? null;
    }
  }

  async remove(name: string, isUndo = false): Promise<void> {
    const view = this.all.find((item) => item.name === name);
    try {
      const views = await deleteView(this.#scope.namespace, this.#scope.project, name);
      this.query.patch(() => views);
      if (view && !isUndo) showToast(`Deleted the view ${name}.`, { undo: async () => void (await this.save(name, view.query)) });
    } catch (cause) {
      const error = toApiError(cause);
      if (error) showToast(`${error.message} [${error.code}]`, { isError: true });
    }
  }
}
