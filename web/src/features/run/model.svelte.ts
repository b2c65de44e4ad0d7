/**
 * One run's page: the run, news of it, edits that show at once and can be taken back. An edit that the server refuses is
 * shown as it was before, with the server's reason.
 */
import { toApiError, type ApiError } from '@/api/client';
import { RunNews } from '@/api/news.svelte';
import { liveQuery } from '@/api/queries.svelte';
import { editRun } from '@/api/resources';
import type { Edit, RunRow } from '@/api/types';
import { askRun } from '@/api/whole-run';
import { SharedCursor } from '@/charts/cursor.svelte';
import { ChartViewState } from '@/state/chart-view.svelte';
import { showToast } from '@/state/toasts.svelte';

export class RunModel {
  readonly view = new ChartViewState();
  readonly cursor = new SharedCursor({ read: () => this.view.zoom, write: (zoom) => this.view.setZoom(zoom) });
  readonly resourceCursor = new SharedCursor();
  readonly query = liveQuery(() => askRun(this.id));
  readonly news = new RunNews(() => [this.id]);
  readonly detail = $derived.by(() => this.query.data);
  readonly isLive = $derived.by(() => this.query.data?.row.state === 'running');

  constructor(readonly id: string) {}

  /** Show a change at once, send it, and offer the way back. Resolves to what the server refused, if it did. */
  async edit(said: string, edits: readonly Edit[], show: (row: RunRow) => RunRow): Promise<ApiError | null> {
    const before = this.query.data?.row;
    if (before === undefined) return null;
    this.patchRow(show);
    try {
      const answer = await editRun(this.id, edits);
      this.patchRow(() => keepCells(answer.row, before));
      showToast(said, { undo: () => this.undo(answer.undo) });
      return null;
    } catch (cause) {
      this.patchRow(() => before);
      const error = toApiError(cause);
      if (error !== null && error.status !== 409) showToast(error.message, { isError: true });
      return error;
    }
  }

  toggleLike(): void {
    const isLiked = (this.detail?.row.likes ?? 0) > 0;
    const likes = isLiked ? 0 : 1;
    void this.edit(isLiked ? 'No longer liked.' : 'Liked.', [{ kind: 'like', on: !isLiked, target: '' }], (row) => ({ ...row, likes }));
  }

  /** Whether anybody likes a part of the run, as `metric:val/acc`, and how to change one's own mind. */
  likeOf(target: string): { isOn: boolean; toggle: () => void } {
    const isOn = (this.detail?.likes[target] ?? []).length > 0;
    return { isOn, toggle: () => void this.likePart(target, !isOn) };
  }

  private async likePart(target: string, isOn: boolean): Promise<void> {
    const before = this.detail?.likes ?? {};
    const fans = isOn ? [''] : [];
    this.query.patch((detail) => ({ ...detail, likes: { ...detail.likes, [target]: fans } }));
    const name = target.replace(/^[a-z]+:/, '');
    const refused = await this.edit(isOn ? `Liked ${name}.` : `${name} is no longer liked.`, [{ kind: 'like', on: isOn, target }], (row) => row);
    if (refused !== null) this.query.patch((detail) => ({ ...detail, likes: before }));
  }

  toggleArchived(): void {
    const isArchived = this.detail?.row.is_archived ?? false;
    const edits: Edit[] = [{ kind: 'set', fields: { archived: !isArchived } }];
    void this.edit(isArchived ? 'Restored.' : 'Archived.', edits, (row) => ({ ...row, is_archived: !isArchived }));
  }

  setTags(add: readonly string[], remove: readonly string[]): void {
    const said = add.length > 0 ? `Tagged ${add.join(', ')}.` : `Took the tag ${remove.join(', ')} off.`;
    void this.edit(said, [{ kind: 'tag', add: [...add], remove: [...remove] }], (row) => ({ ...row, tags: changeTags(row.tags, add, remove) }));
  }

  setField(field: 'why' | 'conclusion' | 'verdict' | 'name', text: string): void {
    const value = text.trim() === '' ? null : text.trim();
    if (field === 'name' && value === null) return;
    void this.edit(`Changed the ${SAID[field]}.`, [{ kind: 'set', fields: { [field]: value } }], (row) => ({ ...row, [field]: value }));
  }

  /** Resolves to the conflict where somebody else wrote since. */
  setNote(text: string, base: number): Promise<ApiError | null> {
    return this.edit('Saved the note.', [{ kind: 'note', text, append: false, base }], (row) => ({ ...row, note: text }));
  }

  private async undo(edits: readonly Edit[]): Promise<void> {
    try {
      const answer = await editRun(this.id, edits);
      this.patchRow((row) => keepCells(answer.row, row));
      // What is told beside the row, as likes of charts, is read anew.
      this.query.reload();
    } catch (cause) {
      showToast(toApiError(cause)?.message ?? 'The change was not taken back.', { isError: true });
    }
  }

  private patchRow(change: (row: RunRow) => RunRow): void {
    this.query.patch((detail) => ({ ...detail, row: change(detail.row) }));
  }
}

const SAID = { why: 'why', conclusion: 'conclusion', verdict: 'verdict', name: 'name' } as const;

/** The tags after a change, sorted, each once. Pure. */
export function changeTags(tags: readonly string[], add: readonly string[], remove: readonly string[]): string[] {
  const kept = new Set([...tags, ...add]);
  for (const tag of remove) kept.delete(tag);
  return [...kept].sort();
}

// An edit's answer holds no cells; those that were there still hold.
function keepCells(row: RunRow, before: RunRow): RunRow {
  return { ...row, cells: before.cells, spark: before.spark };
}
