// The list that a run was opened from, so that `[` and `]` on its page go to the one before and after.
const trail: { ids: readonly string[] } = $state({ ids: [] });

export function setTrail(ids: readonly string[]): void {
  trail.ids = ids;
}

/** The run `step` places after one in the list that it was opened from; null at its ends. */
export function neighbourOf(id: string, step: number): string | null {
  const at = trail.ids.indexOf(id);
  return at < 0 ? null : (trail.ids[at + step] ?? null);
}
