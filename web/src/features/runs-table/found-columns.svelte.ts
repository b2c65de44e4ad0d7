// The columns that a person looks for: those that came with the table, and where these were cut, the server's answer to
// what is typed, over all there are.
import { liveQuery } from '@/api/queries.svelte';
import { askFoundColumns } from '@/api/resources';
import type { Column } from '@/api/types';
import type { RunsModel } from './model.svelte';

export class FoundColumns {
  #model: RunsModel;
  #sought: () => string;
  #most: number;
  readonly #isCut: boolean = $derived.by(() => (this.#model.catalogue.data?.total ?? 0) > (this.#model.catalogue.data?.columns.length ?? 0));
  readonly #searched = liveQuery(() => (this.#isCut ? askFoundColumns(this.#model.where, this.#sought().trim(), this.#most) : null));

  /** Call while a component is being set up; at most `most` columns are asked for at once. */
  constructor(model: RunsModel, sought: () => string, most = 200) {
    this.#model = model;
    this.#sought = sought;
    this.#most = most;
  }

  readonly columns: readonly Column[] = $derived.by(() => this.#found?.columns ?? []);
  /** How many more there are that match. */
  readonly left: number = $derived.by(() => Math.max(0, (this.#found?.total ?? 0) - this.columns.length));

  get #found() {
    return this.#isCut ? (this.#searched.data ?? this.#model.catalogue.data) : this.#model.catalogue.data;
  }
}
