// What was just done, said for a few seconds with a way back. Z undoes the newest change that was not taken back yet,
// said or not: a notice may be gone before a person sees what went wrong. Notices wait while somebody points at them.

export interface Toast {
  id: number;
  text: string;
  isError: boolean;
  undo: (() => void | Promise<void>) | null;
}

export const toasts: Toast[] = $state([]);
let lastId = 0;
let isHeld = false;
const shownMs = 8000;
const maxShown = 3;
const maxUndone = 20;
const done: Pick<Toast, 'id' | 'undo'>[] = [];

export function showToast(text: string, options: { undo?: () => void | Promise<void>; isError?: boolean } = {}): number {
  const id = (lastId += 1);
  const undo = options.undo ? () => takeBack(id) : null;
  toasts.push({ id, text, isError: options.isError ?? false, undo });
  if (options.undo) done.push({ id, undo: options.undo });
  if (done.length > maxUndone) done.shift();
  if (toasts.length > maxShown) toasts.splice(0, toasts.length - maxShown);
  setTimeout(() => fade(id), shownMs);
  return id;
}

function fade(id: number): void {
  if (isHeld) setTimeout(() => fade(id), shownMs / 2);
  else close(id);
}

/** Keep notices while somebody points at them or has the focus in them. */
export function holdToasts(isOn: boolean): void {
  isHeld = isOn;
}

function close(id: number): void {
  const at = toasts.findIndex((toast) => toast.id === id);
  if (at >= 0) toasts.splice(at, 1);
}

function takeBack(id: number): void | Promise<void> {
  const at = done.findIndex((item) => item.id === id);
  close(id);
  if (at >= 0) return done.splice(at, 1)[0]?.undo?.();
}

export const closeToast = close;

/** Forget a change that never came to be, notice and way back. */
export function dropToast(id: number): void {
  const at = done.findIndex((item) => item.id === id);
  if (at >= 0) done.splice(at, 1);
  close(id);
}

/** Forget what can be taken back, as a test or a sign-out does. */
export function forgetChanges(): void {
  done.length = 0;
}

/** Undo the newest thing that can be undone; says whether there was one. */
export function undoNewest(): boolean {
  const newest = done.at(-1);
  if (!newest) return false;
  void takeBack(newest.id);
  return true;
}
