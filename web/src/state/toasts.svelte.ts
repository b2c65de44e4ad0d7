// What was just done, said for a few seconds with a way back. Z undoes the newest.

export interface Toast {
  id: number;
  text: string;
  isError: boolean;
  undo: (() => void | Promise<void>) | null;
}

export const toasts: Toast[] = $state([]);
let lastId = 0;
const shownMs = 8000;
const maxShown = 3;

export function showToast(text: string, options: { undo?: () => void | Promise<void>; isError?: boolean } = {}): number {
  const id = (lastId += 1);
  toasts.push({ id, text, isError: options.isError ?? false, undo: options.undo ?? null });
  if (toasts.length > maxShown) toasts.splice(0, toasts.length - maxShown);
  setTimeout(() => closeToast(id), shownMs);
  return id;
}

export function closeToast(id: number): void {
  const at = toasts.findIndex((toast) => toast.id === id);
  if (at >= 0) toasts.splice(at, 1);
}

/** Undo the newest thing that can be undone; says whether there was one. */
export function undoNewest(): boolean {
  const toast = toasts.findLast((item) => item.undo !== null);
  if (!toast?.undo) return false;
  closeToast(toast.id);
  void toast.undo();
  return true;
}
