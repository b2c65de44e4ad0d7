/** A process in words. Pure. */
import type { Writer } from '@/api/run-types';

/** Who recorded, where, as what; what a writer did not say is left out. */
export function describeWriter({ user, host, pid, version }: Pick<Writer, 'user' | 'host' | 'pid' | 'version'>): string {
  const who = [user, host].filter((part) => part !== '').join('@');
  return [who, `pid ${pid}`, version === '' ? '' : `everbloom ${version}`].filter((part) => part !== '').join(' · ');
}
