// Taking runs: one by one, all between two lines, a whole group, all that match. What lies outside the loaded pages is
// asked for by id, so that a range is a range however long it is.
import { SvelteMap } from 'svelte/reactivity';
import type { RunGroup } from '@/api/types';
import { formatCount } from '@/domain/numbers';
import type { Selection } from '@/state/selection.svelte';
import { showToast } from '@/state/toasts.svelte';
import { maxTaken, type Listing } from './listing.svelte';

export class Picks {
  readonly selection: Selection;
  #list: Listing;
  /** Members of the groups that were taken as a whole, by clause. */
  #members = new SvelteMap<string, readonly string[]>();
  #anchor = -1;
  #of = '';

  constructor(selection: Selection, list: Listing) {
    this.selection = selection;
    this.#list = list;
  }

  /** Take or leave what is on a line; `isRange` takes all runs from the last line taken. */
  async pick(index: number, isRange: boolean, isOn?: boolean): Promise<void> {
    const line = this.#list.line(index);
    if (!line) return;
    const anchor = this.#anchor;
    this.#anchor = index;
    if (isRange && anchor >= 0) await this.#pickRange(Math.min(anchor, index), Math.max(anchor, index));
    else if (line.kind === 'group') await this.pickGroup(line.group, isOn);
    else if (line.row) this.selection.toggle(line.row.id, isOn);
  }

  async #pickRange(first: number, last: number): Promise<void> {
    this.selection.addAll(await this.#list.idsBetween(first, last));
    if (last - first >= maxTaken) showToast(`Took the first ${formatCount(maxTaken)}; a filter and “Select all” reach every run.`);
  }

  /** Take all members of a group, or leave them where all are taken. */
  async pickGroup(group: RunGroup, isOn = !this.isTaken(group)): Promise<void> {
    if (group.count > maxTaken) {
      showToast(`${formatCount(group.count)} runs are too many to take one by one: filter by ${group.clause}, then “Select all”.`);
      return;
    }
    const ids = this.#members.get(group.clause) ?? (await this.#list.groupIds(group));
    this.#members.set(group.clause, ids);
    if (isOn) this.selection.addAll(ids);
    else this.selection.removeAll(ids);
  }

  isTaken(group: RunGroup): boolean {
    const ids = this.#members.get(group.clause) ?? [];
    return this.selection.isAllMatching || (ids.length > 0 && ids.every((id) => this.selection.has(id)));
  }
  isPartlyTaken(group: RunGroup): boolean {
    return !this.isTaken(group) && (this.#members.get(group.clause) ?? []).some((id) => this.selection.has(id));
  }

  /** After another filter groups have other members, and "all that match" would be others than were meant. */
  startOver(of: string): void {
    if (this.#of !== '' && this.#of !== of) {
      this.#members.clear();
      this.selection.isAllMatching = false;
    }
    this.#of = of;
  }
}
