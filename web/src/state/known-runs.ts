// Runs that this tab has seen, newest last: what the palette searches while the server is still asked.
import type { RunId } from '@/domain/ids';

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

/** Runs whose name holds all words, the last seen first. */
export function findKnown(words: readonly string[], limit: number): KnownRun[] {
  const found: KnownRun[] = [];
  for (const run of [...known.values()].reverse()) {
    const name = run.name.toLowerCase();
    if (words.every((word) => name.includes(word))) found.push(run);
    if (found.length === limit) break;
  }
  return found;
}
