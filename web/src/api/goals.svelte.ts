// What a project wants to reach: the value of a metric. Told with the projects, set by whoever looks, undone by a toast or Z.
import { showToast } from '@/state/toasts.svelte';
import { toApiError } from './client';
import { liveQuery } from './queries.svelte';
import { askProjects, setGoal } from './resources';

export interface GoalScope {
  readonly namespace: string;
  readonly project: string;
}

/** The goals of one project; make it while a component is being set up. */
export class Goals {
  #projects = liveQuery(askProjects);
  #scope: () => GoalScope | null;

  constructor(scope: () => GoalScope | null) {
    this.#scope = scope;
  }

  readonly #project = $derived.by(() => this.#projects.data?.projects.find(({ namespace, name }) => namespace === this.#scope()?.namespace && name === this.#scope()?.project));
  /** The value to reach, by metric. */
  readonly byMetric: ReadonlyMap<string, number> = $derived.by(() => new Map((this.#project?.goals ?? []).map(({ metric, value }) => [metric, value])));

  /** Set a goal, or with null take it away. */
  async set(metric: string, value: number | null, isUndo = false): Promise<void> {
    const scope = this.#scope();
    if (!scope) return;
    const before = this.byMetric.get(metric) ?? null;
    try {
      const { goals } = await setGoal(scope.namespace, scope.project, metric, value);
      this.#projects.patch((all) => ({ ...all, projects: all.projects.map((item) => (item.namespace === scope.namespace && item.name === scope.project ? { ...item, goals } : item)) }));
      if (!isUndo) showToast(value === null ? `No goal for ${metric} any more.` : `Goal for ${metric} is ${value}.`, { undo: () => this.set(metric, before, true) });
    } catch (cause) {
      const error = toApiError(cause);
      if (error) showToast(`${error.message} [${error.code}]`, { isError: true });
    }
    // A card may be about another metric now.
    this.#projects.reload();
  }
}
