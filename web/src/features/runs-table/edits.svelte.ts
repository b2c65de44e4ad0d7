// Changing runs from the table: shown at once, sent, replaced by what the server read back, taken back by a toast or Z.
// What the server refuses is put back as it was and said.
import { ApiError, toApiError } from '@/api/client';
import { editMatching, editRun, editRuns, undoBulk, type RunScope } from '@/api/resources';
import type { BulkResult, ChangedEvent, Edit, EditResult, RunRow, SetFields } from '@/api/types';
import { assertNever } from '@/domain/assert';
import { formatCount } from '@/domain/numbers';
import { dropToast, showToast } from '@/state/toasts.svelte';

/** What a row looks like after edits, before the server answered. Pure. */
export function applyEdits(row: RunRow, edits: readonly Edit[]): RunRow {
  return edits.reduce(applyEdit, row);
}

function applyEdit(row: RunRow, edit: Edit): RunRow {
  switch (edit.kind) {
    case 'tag': {
      const { add = [], remove = [] } = edit;
      const kept = row.tags.filter((tag) => !remove.includes(tag));
      return { ...row, tags: [...kept, ...add.filter((tag) => !kept.includes(tag))] };
    }
    case 'note': return { ...row, note: edit.append && row.note ? `${row.note}\n\n${edit.text}` : edit.text };
    case 'like': return { ...row, likes: Math.max(0, row.likes + (edit.on ? 1 : -1)) };
    case 'set': return applyFields(row, edit.fields);
    default: return assertNever(edit);
  }
}

function applyFields(row: RunRow, fields: SetFields): RunRow {
  const text = (key: 'why' | 'conclusion') => (key in fields ? wordOf(fields[key]) : row[key]);
  return { ...row, why: text('why'), conclusion: text('conclusion'), name: wordOf(fields.name) ?? row.name, is_archived: typeof fields.archived === 'boolean' ? fields.archived : row.is_archived };
}

const wordOf = (value: SetFields[string] | undefined): string | null => (typeof value === 'string' ? value : null);

/** What edits need of whoever holds the rows. */
export interface EditedRows {
  find(id: string): RunRow | undefined;
  patch(rows: ReadonlyMap<string, Partial<RunRow>>): void;
  hear(event: ChangedEvent): void;
  reload(): void;
}

export class RunEdits {
  #rows: EditedRows;
  constructor(rows: EditedRows) {
    this.#rows = rows;
  }

  /** Edit one run; says whether the server took it. `said` is the toast's sentence. */
  async edit(row: RunRow, edits: readonly Edit[], said: string): Promise<boolean> {
    this.#rows.patch(new Map([[row.id, applyEdits(row, edits)]]));
    const sent = editRun(row.id, edits);
    // Offered at once: who undoes before the server answered waits for the answer, not for the offer.
    const toast = showToast(said, { undo: async () => this.#undo(await sent) });
    try {
      const { row: now } = await sent;
      this.#rows.patch(new Map([[row.id, keepCells(now)]]));
      return true;
    } catch (cause) {
      dropToast(toast);
      this.#rows.patch(new Map([[row.id, row]]));
      // Somebody else may have written first: what is typed next starts from what stands there now.
      this.#rows.hear({ watermark: 0, runs: [row.id], projects: [] });
      this.#fail(cause);
      return false;
    }
  }

  async #undo({ row, undo }: EditResult): Promise<void> {
    try {
      const { row: now } = await editRun(row.id, undo);
      this.#rows.patch(new Map([[row.id, keepCells(now)]]));
    } catch (cause) {
      this.#fail(cause);
    }
  }

  /** Edit many runs: those named, or all that a filter matches. `said` has `#` where the number goes; `onundone` follows an undo. */
  async editMany(target: { ids: readonly string[] } | { scope: RunScope }, edits: readonly Edit[], said: string, onundone: () => void = () => {}): Promise<void> {
    if ('ids' in target) this.#show(target.ids, edits);
    try {
      const done = await ('ids' in target ? editRuns(target.ids, edits) : editMatching(target.scope, edits));
      this.#told(done, said, onundone);
    } catch (cause) {
      this.#fail(cause);
    }
    this.#rows.reload();
  }

  #show(ids: readonly string[], edits: readonly Edit[]): void {
    const rows = ids.flatMap((id) => this.#rows.find(id) ?? []);
    this.#rows.patch(new Map(rows.map((row) => [row.id, applyEdits(row, edits)])));
  }

  #told({ changed, undo_token: token }: BulkResult, said: string, onundone: () => void): void {
    const count = changed === 1 ? '1 run' : `${formatCount(changed)} runs`;
    const undo = async () => {
      try {
        if (token) await undoBulk(token);
        onundone();
      } catch (cause) {
        this.#fail(cause);
      }
      this.#rows.reload();
    };
    showToast(said.replace('#', count), token ? { undo } : {});
  }

  #fail(cause: unknown): void {
    const error: ApiError | null = toApiError(cause);
    if (error) showToast(`${error.message} [${error.code}]`, { isError: true });
  }
}

/** An edit's answer has no cells and no curve; what the table has of them stays. */
function keepCells({ cells: _cells, spark: _spark, ...row }: RunRow): Partial<RunRow> {
  return row;
}
