// The address bar is the state of what is looked at. Pages read typed values from it and write them back; a navigation
// adds a step to the history, dragging and typing replace it. Each step has a key of its own, under which scrollers
// keep where they stood, so that going back finds the page as it was left.
import { decode, encode, type Codec, type Values } from './codec';

const bar = $state({ path: '/', search: '', entry: '0' });

function take(): void {
  const state: unknown = history.state;
  const kept = typeof state === 'object' && state !== null ? state : {};
  // Under a short link stands the whole address, which the step of the history carries.
  const whole = 'href' in kept && typeof kept.href === 'string' ? new URL(kept.href, location.origin) : location;
  bar.path = whole.pathname;
  bar.search = whole.search;
  bar.entry = 'entry' in kept ? String(kept.entry) : '0';
}

/** Show another address in the bar than the one that pages read, as a short link for a long one. */
export function disguise(shown: string): void {
  history.replaceState({ entry: bar.entry, href: bar.path + bar.search }, '', shown);
}

/** Follow the browser's own back and forward, and links inside the app. Returns how to stop. */
export function startUrl(): () => void {
  history.scrollRestoration = 'manual';
  take();
  if (history.state === null) history.replaceState({ entry: newEntry() }, '');
  take();
  const abort = new AbortController();
  addEventListener('popstate', take, { signal: abort.signal });
  document.addEventListener('click', handleLink, { signal: abort.signal });
  return () => abort.abort();
}

function handleLink(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const target = event.target instanceof Element ? event.target.closest('a') : null;
  if (!target || target.target || target.hasAttribute('download') || target.origin !== location.origin) return;
  if (target.pathname.startsWith('/api/') || target.hash) return;
  event.preventDefault();
  navigate(target.pathname + target.search);
}

const newEntry = () => Math.random().toString(36).slice(2, 8);

export interface NavigateOptions {
  /** Rewrite this step of the history instead of adding one. */
  replace?: boolean;
}

const listeners = new Set<(href: string) => void>();

/** Hear of another page while the one that is left is still there. Returns how to stop. */
export function onLeave(listen: (href: string) => void): () => void {
  listeners.add(listen);
  return () => listeners.delete(listen);
}

export function navigate(href: string, options: NavigateOptions = {}): void {
  if (href === bar.path + bar.search) return;
  if (new URL(href, location.origin).pathname !== bar.path) for (const listen of listeners) listen(href);
  if (options.replace) history.replaceState({ entry: bar.entry }, '', href);
  else history.pushState({ entry: newEntry() }, '', href);
  take();
}

export const url = {
  get path(): string { return bar.path; },
  get search(): string { return bar.search; },
  /** Names this step of the history; stays the same when it is rewritten. */
  get entry(): string { return bar.entry; },
  get href(): string { return bar.path + bar.search; },
};

/** Typed access to the values that a page keeps in the address bar. While another page's address stands there already and
    this one is taken down, its values stay as they were: it must not ask its questions in another page's words. */
export class UrlValues<C extends Record<string, Codec<unknown>>> {
  #codecs: C;
  #path = bar.path;
  #search = bar.search;
  #before: { search: string; values: Values<C> } | null = null;
  #values: Values<C> = $derived.by(() => {
    if (bar.path === this.#path) this.#search = bar.search;
    // Values that did not change stay the very same, so that nothing is worked out anew when another part of the address did.
    const values = decode(this.#codecs, this.#search, this.#before);
    this.#before = { search: this.#search, values };
    return values;
  });
  constructor(codecs: C) {
    this.#codecs = codecs;
  }
  get now(): Values<C> {
    return this.#values;
  }
  set(changes: Partial<Values<C>>, options: NavigateOptions = {}): void {
    navigate(bar.path + encode(this.#codecs, bar.search, changes), options);
  }
}

const scrollKey = (entry: string, name: string) => `everbloom:scroll:${entry}:${name}`;

/** What was kept under this step of the history by a name, such as where a cursor stood; '' where nothing was. */
export const readKept = (name: string): string => sessionStorage.getItem(scrollKey(bar.entry, name)) ?? '';
export const keepText = (name: string, value: string): void => sessionStorage.setItem(scrollKey(bar.entry, name), value);

/** Attach to a scroller: keeps its place under the history's step and finds it again on the way back. */
export function keepScroll(name: string) {
  return (node: HTMLElement) => {
    const entry = bar.entry;
    const kept = Number(sessionStorage.getItem(scrollKey(entry, name)) ?? 0);
    // A new step of the history on the same page begins at the top.
    if (kept > 0) restoreScroll(node, kept);
    else node.scrollTop = 0;
    requestAnimationFrame(() => takeFocus(node));
    const handle = () => sessionStorage.setItem(scrollKey(entry, name), String(Math.round(node.scrollTop)));
    node.addEventListener('scroll', handle, { passive: true });
    return () => node.removeEventListener('scroll', handle);
  };
}

/** Let the keys that scroll reach what scrolls, unless something has the focus: the body does not scroll here. */
function takeFocus(node: HTMLElement): void {
  if (!node.isConnected || document.activeElement !== document.body) return;
  if (!node.hasAttribute('tabindex')) {
    node.tabIndex = -1;
    node.style.outline = 'none';
  }
  node.focus({ preventScroll: true });
}

function restoreScroll(node: HTMLElement, top: number): void {
  // The content may still be on its way: try as it grows, for two seconds, unless the person scrolls first.
  const until = performance.now() + 2000;
  const step = () => {
    node.scrollTop = top;
    if (Math.abs(node.scrollTop - top) > 1 && performance.now() < until && node.isConnected) requestAnimationFrame(step);
  };
  step();
}
