/** Whose points of a run are looked at: of one of the processes that recorded it, or of all of them as one line. Pure. */

export const REDUCTIONS = ['mean', 'min', 'max'] as const;
export type Reduction = (typeof REDUCTIONS)[number];
/** A rank, a reduction over all ranks, or null: of rank 0, or where it never logged a metric of the lowest that did. */
export type RankSource = number | Reduction | null;

/** `mean`, `min`, `max` or a rank, as it stands in an address; anything else is null. */
export function parseSource(text: string): RankSource {
  const reduction = REDUCTIONS.find((one) => one === text);
  return reduction ?? (/^\d{1,9}$/.test(text) ? Number(text) : null);
}

export function printSource(source: RankSource): string {
  return source === null ? '' : String(source);
}

const REDUCED = { mean: 'Mean of ranks', min: 'Least of ranks', max: 'Greatest of ranks' } as const;

/** What a source is called; null is the rank that stands for the run. */
export function nameSource(source: RankSource): string {
  if (source === null) return 'First rank';
  return typeof source === 'number' ? `Rank ${source}` : REDUCED[source];
}

/** Everything that can be looked at where a run has these ranks; one rank leaves no choice. */
export function listSources(ranks: readonly number[]): RankSource[] {
  return ranks.length < 2 ? [] : [null, ...REDUCTIONS, ...ranks];
}
