// One cache of what the server said: key, value, when. A query keeps showing what it has while it asks again, and says
// `isDim` when that takes longer than 150 ms. Live news marks keys stale; what is on screen asks again, the rest waits
// until it is looked at. Nothing here retries by itself: a page offers that.
import { untrack } from 'svelte';
import { ApiError, toApiError } from './client';

export interface QueryAsk<T> {
  /** Names the answer; equal keys share one cache entry. Begin with the resource: `runs?…`. */
  key: string;
  read: (signal: AbortSignal) => Promise<T>;
  /** How long an answer is taken without asking again, in ms. Live news ends it early. */
  freshMs?: number;
}

interface Entry {
  // Answers of all kinds share the cache; JSON.parse's own type says what is known of them.
  value: ReturnType<typeof JSON.parse>;
  readAt: number;
  isStale: boolean;
}

const cache = new Map<string, Entry>();
const maxEntries = 300;
const mounted = new Set<{ key: string; again: () => void; show: () => void }>();
const defaultFreshMs = 10_000;

function remember(key: string, value: unknown): void {
  cache.delete(key);
  cache.set(key, { value, readAt: performance.now(), isStale: false });
  if (cache.size > maxEntries) {
    const oldest = cache.keys().next().value;
    if (oldest !== undefined) cache.delete(oldest);
  }
}

function isFresh(entry: Entry | undefined, freshMs: number): boolean {
  return entry !== undefined && !entry.isStale && performance.now() - entry.readAt < freshMs;
}

// Several parts of a page may ask the same at once: they share one request, which ends when the last of them leaves.
const inFlight = new Map<string, { answer: Promise<unknown>; abort: AbortController; waiting: number }>();

async function share<T>(asked: QueryAsk<T>, signal: AbortSignal): Promise<T>;
async function share(asked: QueryAsk<unknown>, signal: AbortSignal): Promise<unknown> {
  const flight = inFlight.get(asked.key) ?? launch(asked);
  flight.waiting += 1;
  signal.addEventListener('abort', () => {
    flight.waiting -= 1;
    if (flight.waiting === 0) flight.abort.abort();
  });
  return flight.answer;
}

/** Ask ahead of whoever will show it, who then joins what is on its way; an answer that is here and fresh is not asked again. */
export function prefetch(asked: QueryAsk<unknown>): void {
  if (inFlight.has(asked.key) || isFresh(cache.get(asked.key), asked.freshMs ?? defaultFreshMs)) return;
  // What fails is asked again, and told, by whoever shows it.
  launch(asked).answer.catch(() => null);
}

function launch(asked: QueryAsk<unknown>) {
  const abort = new AbortController();
  const read = async () => {
    const mark = heardMark;
    try {
      const value = await asked.read(abort.signal);
      remember(asked.key, value);
      // The stream of news began meanwhile, behind what this answer knows: nobody would ever tell the rest.
      if (heardMark > mark && isOlder(value)) invalidate((key) => key === asked.key);
      return value;
    } finally {
      if (inFlight.get(asked.key) === flight) inFlight.delete(asked.key);
    }
  };
  const flight: { answer: Promise<unknown>; abort: AbortController; waiting: number } = { answer: Promise.resolve(null), abort, waiting: 0 };
  inFlight.set(asked.key, flight);
  abort.signal.addEventListener('abort', () => inFlight.get(asked.key) === flight && inFlight.delete(asked.key));
  flight.answer = read();
  return flight;
}

/** Mark every key that `matches` stale and ask again for those on screen. */
export function invalidate(matches: (key: string) => boolean): void {
  for (const [key, entry] of cache) if (matches(key)) entry.isStale = true;
  // What is on its way was asked before the news: nobody may join it any more.
  for (const key of inFlight.keys()) if (matches(key)) inFlight.delete(key);
  for (const query of mounted) if (matches(query.key)) query.again();
}

// Where the stream of news began, as far as was heard.
let heardMark = 0;

/** Note where the stream of news begins; tells whether an answer that is kept is from before. Those on their way are looked at when they come. */
export function beginNewsAt(watermark: number): boolean {
  heardMark = Math.max(heardMark, watermark);
  return [...cache.values()].some(({ value }) => isOlder(value));
}

function isOlder(value: Entry['value']): boolean {
  return Number(value?.watermark) < heardMark;
}

/** Forget everything, as a test or a sign-out does. */
export function clearCache(): void {
  cache.clear();
}

export class LiveQuery<T> {
  data = $state.raw<T | undefined>(undefined);
  /** Which question `data` answers; an older one's while a new one is on its way. */
  answered = $state('');
  error = $state.raw<ApiError | null>(null);
  isLoading = $state(false);
  isDim = $state(false);
  #ask: () => QueryAsk<T> | null;
  #abort: AbortController | null = null;
  #dimTimer: ReturnType<typeof setTimeout> | undefined;
  #isBehind = false;

  constructor(ask: () => QueryAsk<T> | null) {
    this.#ask = ask;
    $effect(() => {
      const asked = this.#ask();
      if (!asked) return;
      const registration = { key: asked.key, again: () => this.#refresh(asked), show: () => (this.data = cache.get(asked.key)?.value) };
      mounted.add(registration);
      untrack(() => this.#start(asked));
      return () => {
        mounted.delete(registration);
        this.#abort?.abort();
        clearTimeout(this.#dimTimer);
      };
    });
  }

  /** Ask again now, keeping what is shown. */
  reload(): void {
    const asked = this.#ask();
    if (asked) void this.#fetch(asked);
  }

  /** Replace what is shown, here and wherever the same is asked, as an optimistic edit does; the next answer overwrites it. */
  patch(change: (value: T) => T): void {
    if (this.data === undefined) return;
    this.data = change(this.data);
    const asked = this.#ask();
    if (!asked) return;
    remember(asked.key, this.data);
    for (const query of mounted) if (query.key === asked.key) query.show();
  }

  #start(asked: QueryAsk<T>): void {
    const entry = cache.get(asked.key);
    if (entry) {
      // The key names the answer's type: one reader per key, so the value is what `read` gave.
      this.data = entry.value;
      this.answered = asked.key;
      this.error = null;
    }
    if (!isFresh(entry, asked.freshMs ?? defaultFreshMs)) void this.#fetch(asked);
  }

  /** Ask again after news. News may come faster than answers, so an answer under way is awaited, never cut off. */
  #refresh(asked: QueryAsk<T>): void {
    if (this.isLoading) this.#isBehind = true;
    else void this.#fetch(asked, true);
  }

  async #fetch(asked: QueryAsk<T>, isQuiet = false): Promise<void> {
    this.#isBehind = false;
    this.#abort?.abort();
    const abort = new AbortController();
    this.#abort = abort;
    this.isLoading = true;
    clearTimeout(this.#dimTimer);
    // What grows by itself is not dimmed: only an answer to another question is waited for.
    if (!isQuiet) this.#dimTimer = setTimeout(() => (this.isDim = this.data !== undefined), 150);
    try {
      const value = await share(asked, abort.signal);
      if (abort.signal.aborted) return;
      this.data = value;
      this.answered = asked.key;
      this.error = null;
    } catch (cause) {
      if (!abort.signal.aborted) this.error = toApiError(cause);
    } finally {
      if (this.#abort === abort) this.#settle(asked);
    }
  }

  #settle(asked: QueryAsk<T>): void {
    clearTimeout(this.#dimTimer);
    this.isLoading = false;
    this.isDim = false;
    if (this.#isBehind) void this.#fetch(asked, true);
  }
}

/** Ask the server and keep asking as the key changes. Call while a component is being set up. */
export function liveQuery<T>(ask: () => QueryAsk<T> | null): LiveQuery<T> {
  return new LiveQuery(ask);
}
