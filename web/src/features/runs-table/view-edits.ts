// Saving, renaming and deleting views, with a way back; loaded when somebody does.
import { toApiError } from '@/api/client';
import { deleteView, saveView } from '@/api/resources';
import type { SavedView } from '@/api/types';
import { showToast } from '@/state/toasts.svelte';
import { navigate } from '@/state/url.svelte';
import type { Views } from './views.svelte';

async function put({ scope, query }: Views, name: string, saved: string): Promise<string | null> {
  try {
    const views = await saveView(scope.namespace, scope.project, name, saved);
    query.patch(() => views);
    return null;
  } catch (cause) {
    return toApiError(cause)?.message ?? null;
  }
}

/** Name what is seen; says what was wrong, or null. A view of that name becomes this one. */
export async function keepView(views: Views, name: string): Promise<string | null> {
  const before = views.find(name);
  const said = await put(views, name, views.seen);
  if (said !== null) return said;
  const view = views.find(name);
  if (view) navigate(views.href(view), { replace: true });
  showToast(before ? `${name} is what is seen now.` : `Saved as ${name}.`, { undo: () => (before ? void put(views, name, before.query) : removeView(views, name, true)) });
  return null;
}

/** Give a view another name; says what was wrong, or null. */
export async function renameView(views: Views, view: SavedView, name: string, isUndo = false): Promise<string | null> {
  if (name === view.name) return null;
  if (views.find(name)) return `There is a view named ${name} already; choose another name.`;
  const said = await put(views, name, view.query);
  if (said !== null) return said;
  await removeView(views, view.name, true);
  if (!isUndo) showToast(`${view.name} is now ${name}.`, { undo: async () => void (await renameView(views, { ...view, name }, view.name, true)) });
  return null;
}

export async function removeView(views: Views, name: string, isUndo = false): Promise<void> {
  const view = views.find(name);
  try {
    const left = await deleteView(views.scope.namespace, views.scope.project, name);
    views.query.patch(() => left);
    if (view && !isUndo) showToast(`Deleted the view ${name}.`, { undo: async () => void (await put(views, name, view.query)) });
  } catch (cause) {
    const error = toApiError(cause);
    if (error) showToast(`${error.message} [${error.code}]`, { isError: true });
  }
}
