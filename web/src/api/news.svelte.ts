// News of some runs only: a number that rises when one of them changed, so that a chart asks anew for its own sake.
import { onChanged } from './live.svelte';

export class RunNews {
  count = $state(0);

  /** Call while a component is being set up; `ids` may change. */
  constructor(ids: () => readonly string[]) {
    $effect(() => {
      const wanted = new Set(ids());
      return onChanged((event) => {
        if (event.runs === 'many' || event.runs.some((id) => wanted.has(id))) this.count += 1;
      });
    });
  }
}
