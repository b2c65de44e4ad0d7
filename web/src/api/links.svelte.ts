// Short links for long addresses. Past 2,000 characters an address is cut by mail and chat programs, so the server keeps it
// and the bar shows `/v/HASH`; what a page reads stays the whole of it. Pages need not know: they write as always.
import { disguise, url } from '@/state/url.svelte';
import type { QueryAsk } from './queries.svelte';
import { getJson, sendJson } from './client';
import type { ShortLink } from './types';

export const addressMost = 2000;
// A slider that is dragged writes the address many times; it is kept once it rests.
const restMs = 400;

export const askLink = (hash: string): QueryAsk<ShortLink> => ({
  key: `links/${hash}`,
  read: (signal) => getJson(`/links/${encodeURIComponent(hash)}`, {}, signal),
  freshMs: 3_600_000,
});

/** Keep an address; resolves to the short one. */
export async function keepLink(address: string): Promise<string> {
  const { hash } = await sendJson<ShortLink>('POST', '/links', { address });
  return `/v/${hash}`;
}

/** The link to what is shown now, or to another address of the app; short where it would be too long. */
export async function linkToHere(href: string = url.href): Promise<string> {
  return location.origin + (href.length > addressMost ? await keepLink(href) : href);
}

/** Show a short address in the bar wherever the page's own is too long; once, at start. Returns how to stop. */
export function startLinks(): () => void {
  return $effect.root(() => {
    $effect(() => {
      const { href, entry } = url;
      if (href.length <= addressMost) return;
      const timer = setTimeout(() => void showShort(href, entry), restMs);
      return () => clearTimeout(timer);
    });
  });
}

async function showShort(href: string, entry: string): Promise<void> {
  // A server that cannot keep it leaves the long address in the bar: it works, it is only long.
  const short = await keepLink(href).catch(() => null);
  if (short !== null && url.href === href && url.entry === entry) disguise(short);
}
