// Runs that this tab has seen, newest last: what the palette searches while the server is still asked.
import type { RunId } from '@/domain/ids';
import { fitOf, rankByFit } from '@/domain/matching';

export interface KnownRun {
  id: RunId;
  name: string;
  /** What tells it from others: its note, tags or state. */
  detail: string;
}

const known = new Map<RunId, KnownRun>();
const most = 5000;

export function rememberRuns(runs: readonly KnownRun[]): void {
  for (const run of runs) {
    known.delete(run.id);
    known.set(run.id, run);
  }
  for (const id of known.keys()) {
    if (known.size <= most) break;
    known.delete(id);
  }
}

/** Runs whose name has all that is typed, those that fit best first, then the last seen. */
export function findKnown(typed: string, limit: number): KnownRun[] {
  const found = [...known.values()].reverse().filter((run) => fitOf(run.name, typed) !== null);
  return rankByFit(found, typed, (run) => run.name).slice(0, limit);
}
