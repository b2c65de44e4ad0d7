// News of some runs only: a number that rises when one of them changed, so that a chart asks anew for its own sake. At most
// once a second, however fast a run logs: twenty charts that ask five times a second would keep a server busy for nobody.
import { onChanged } from './live.svelte';

const leastGapMs = 1000;

export class RunNews {
  count = $state(0);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #toldAt = -Infinity;

  /** Call while a component is being set up; `ids` may change. */
  constructor(ids: () => readonly string[]) {
    $effect(() => {
      const wanted = new Set(ids());
      return onChanged((event) => {
        if (event.runs === 'many' || event.runs.some((id) => wanted.has(id))) this.#tell();
      });
    });
    $effect(() => () => clearTimeout(this.#timer));
  }

  /** The first news at once, what follows closely in one go. */
  #tell(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#toldAt = performance.now();
        this.count += 1;
      },
      Math.max(0, this.#toldAt + leastGapMs - performance.now()),
    );
  }
}
