// News from the server, one connection for all tabs of a browser: whoever holds the lock opens the event stream and
// tells the others over a channel, because a browser allows six connections per server and each tab would take one.
// Where locks are missing each tab listens for itself. News only says what changed; pages ask for what they show.
import { apiBase } from './client';
import { invalidate } from './queries.svelte';
import type { ChangedEvent } from './types';

type News = { kind: 'changed'; event: ChangedEvent } | { kind: 'link'; isUp: boolean };

const listeners = new Set<(event: ChangedEvent) => void>();

export const live = $state({ isConnected: false, watermark: 0 });

/** Hear of every change. Returns how to stop. */
export function onChanged(listen: (event: ChangedEvent) => void): () => void {
  listeners.add(listen);
  return () => listeners.delete(listen);
}

function take(news: News): void {
  if (news.kind === 'link') {
    live.isConnected = news.isUp;
    return;
  }
  live.isConnected = true;
  live.watermark = Math.max(live.watermark, news.event.watermark);
  invalidate((key) => isTouched(key, news.event));
  for (const listen of listeners) listen(news.event);
}

/** Whether an answer may differ after the event. Keys begin with their resource, `run/ID…` for one run. */
export function isTouched(key: string, event: ChangedEvent): boolean {
  if (key.startsWith('projects')) return true;
  const run = /^run\/([0-9a-f]{32})/.exec(key);
  if (run?.[1]) return event.runs === 'many' || event.runs.includes(run[1]);
  if (key.startsWith('compare')) return event.runs === 'many' || event.runs.some((id) => key.includes(id));
  return key.startsWith('best');
}

function listen(publish: (news: News) => void): EventSource {
  const source = new EventSource(`${apiBase}/events`);
  source.addEventListener('changed', (message) => {
    const event: ChangedEvent = JSON.parse(message.data);
    publish({ kind: 'changed', event });
  });
  source.addEventListener('open', () => publish({ kind: 'link', isUp: true }));
  source.addEventListener('error', () => publish({ kind: 'link', isUp: false }));
  return source;
}

/** Begin to hear news in this tab; once per tab, at start. */
export function startLive(): void {
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
      if (message.data.kind === 'hello') channel.postMessage({ kind: 'link', isUp });
    });
    listen(publish);
    return new Promise(() => {});
  });
}
