// Since when things are new to this person: the end of the last visit. A visit ends when nobody looks for ten minutes, so
// that a reload does not make everything old.
import type { EpochMicros } from '@/domain/ids';
import { preferences, setPreferences } from './preferences.svelte';

const visitGapMs = 10 * 60_000;
const beatMs = 60_000;

/** Settle from when on things are new, and when this was last seen. Pure. */
export function nextVisit(visit: { seenAt: number; newSince: number }, now: number): { seenAt: number; newSince: number } {
  const isAnother = visit.seenAt > 0 && now - visit.seenAt > visitGapMs;
  return { seenAt: now, newSince: isAnother ? visit.seenAt : visit.newSince };
}

/** The end of the last visit in microseconds; 0 = this is the first. */
export const visitedBefore = (): EpochMicros => preferences.visit.newSince * 1000;

/** Note that somebody looks, now and as long as the page is seen. */
export function startVisit(): void {
  const look = () => {
    if (!document.hidden) setPreferences({ visit: nextVisit(preferences.visit, Date.now()) });
  };
  look();
  setInterval(look, beatMs);
  document.addEventListener('visibilitychange', look);
}
