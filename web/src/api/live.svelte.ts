// News from the server, one connection for all tabs of a browser: whoever holds the lock opens the event stream and
// tells the others over a channel, because a browser allows six connections per server and each tab would take one.
// Where locks are missing each tab listens for itself. News only says what changed; pages ask for what they show.
import { apiBase } from './client';
import { beginNewsAt, invalidate } from './queries.svelte';
import type { ChangedEvent } from './types';

type News = { kind: 'changed'; event: ChangedEvent } | { kind: 'link'; isUp: boolean } | { kind: 'mark'; watermark: number };

const listeners = new Set<(event: ChangedEvent) => void>();

export const live = $state({ isConnected: false, watermark: 0 });

/** Hear of every change. Returns how to stop. */
export function onChanged(listen: (event: ChangedEvent) => void): () => void {
  listeners.add(listen);
  return () => listeners.delete(listen);
}

let isBehind = false;
let wasDown = false;

function take(news: News): void {
  if (news.kind === 'link') {
    live.isConnected = news.isUp;
    // What was asked while the server was away has failed: all that is shown is asked again, as after news of everything.
    if (news.isUp && wasDown) tell({ watermark: live.watermark, runs: 'many', projects: [] });
    wasDown = !news.isUp;
    return;
  }
  if (news.kind === 'mark') {
    live.watermark = Math.max(live.watermark, news.watermark);
    // What changed after a page was answered and before it listened, nobody told it.
    if (beginNewsAt(news.watermark)) tell({ watermark: news.watermark, runs: 'many', projects: [] });
    return;
  }
  live.isConnected = true;
  live.watermark = Math.max(live.watermark, news.event.watermark);
  // Nobody looks at a hidden tab: it catches up at once when somebody does.
  if (document.hidden) isBehind = true;
  else tell(news.event);
}

function tell(event: ChangedEvent): void {
  invalidate((key) => paceOf(key) === 0 && isTouched(key, event));
  paced.add(event);
  for (const listen of listeners) listen(event);
}

/** Tell a tab that was hidden what it missed, now that it is looked at. */
export function catchUp(): void {
  if (document.hidden || !isBehind) return;
  isBehind = false;
  tell({ watermark: live.watermark, runs: 'many', projects: [] });
}

/** How long to wait between two answers to one question, in ms: what is over all runs of a project costs more to ask. */
export function paceOf(key: string): number {
  if (key.startsWith('projects')) return 5000;
  return /^(best|columns|facet)/.test(key) ? 2000 : 0;
}

/** Whether an answer may differ after the event. Keys begin with their resource, `run/ID…` for one run. */
export function isTouched(key: string, event: ChangedEvent): boolean {
  if (key.startsWith('projects')) return true;
  const run = /^run\/([0-9a-f]{32})/.exec(key);
  if (run?.[1]) return event.runs === 'many' || event.runs.includes(run[1]);
  if (key.startsWith('compare')) return event.runs === 'many' || event.runs.some((id) => key.includes(id));
  return /^(best|columns|facet)/.test(key) && isAbout(key, event);
}

/** Whether a question about a project, such as `best?ns=…&project=…`, is about one that changed. */
function isAbout(key: string, event: ChangedEvent): boolean {
  const asked = new URLSearchParams(key.slice(key.indexOf('?') + 1));
  const [ns, project] = [asked.get('ns'), asked.get('project')];
  return event.runs === 'many' || event.projects.length === 0 || event.projects.some(([namespace, name]) => (ns === null || ns === namespace) && (project === null || project === name));
}

/** Gathers events for questions that are asked seldom; the first is passed on at once, those that follow in one go. */
class Paced {
  #events: ChangedEvent[] = [];
  #told = new Map<number, number>();
  #timers = new Map<number, ReturnType<typeof setTimeout>>();

  add(event: ChangedEvent): void {
    this.#events.push(event);
    for (const pace of [2000, 5000]) {
      const wait = Math.max(0, (this.#told.get(pace) ?? -Infinity) + pace - performance.now());
      if (!this.#timers.has(pace)) this.#timers.set(pace, setTimeout(() => this.#tell(pace), wait));
    }
  }
  #tell(pace: number): void {
    this.#timers.delete(pace);
    this.#told.set(pace, performance.now());
    const events = this.#events;
    invalidate((key) => paceOf(key) === pace && events.some((event) => isTouched(key, event)));
    if (this.#timers.size === 0) this.#events = [];
  }
}
const paced = new Paced();

function listen(publish: (news: News) => void): EventSource {
  // A tab that takes over from one that was closed goes on from what it heard of.
  const source = new EventSource(`${apiBase}/events${live.watermark ? `?since=${live.watermark}` : ''}`);
  source.addEventListener('changed', (message) => {
    const event: ChangedEvent = JSON.parse(message.data);
    publish({ kind: 'changed', event });
  });
  // Where the stream begins: whoever takes over goes on from here, though nothing changed meanwhile.
  source.addEventListener('hello', (message) => {
    const { watermark }: { watermark: number } = JSON.parse(message.data);
    publish({ kind: 'mark', watermark });
  });
  source.addEventListener('open', () => publish({ kind: 'link', isUp: true }));
  source.addEventListener('error', () => publish({ kind: 'link', isUp: false }));
  return source;
}

/** Begin to hear news in this tab; once per tab, at start. */
export function startLive(): void {
  document.addEventListener('visibilitychange', catchUp);
  if (!('locks' in navigator) || !('BroadcastChannel' in window)) {
    listen(take);
    return;
  }
  const channel = new BroadcastChannel('everbloom-live');
  channel.addEventListener('message', (message: MessageEvent<News | { kind: 'hello' }>) => {
    if (message.data.kind !== 'hello') take(message.data);
  });
  channel.postMessage({ kind: 'hello' });
  void navigator.locks.request('everbloom-live', () => {
    let isUp = false;
    const publish = (news: News) => {
      if (news.kind === 'link') isUp = news.isUp;
      channel.postMessage(news);
      take(news);
    };
    channel.addEventListener('message', (message: MessageEvent<{ kind: string }>) => {
      if (message.data.kind !== 'hello') return;
      channel.postMessage({ kind: 'link', isUp });
      channel.postMessage({ kind: 'mark', watermark: live.watermark });
    });
    listen(publish);
    return new Promise(() => {});
  });
}
