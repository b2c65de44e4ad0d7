// The board of projects: own order, archive, both shown at once, told to the server, undone by a toast or Z.
import { toApiError } from '@/api/client';
import type { LiveQuery } from '@/api/queries.svelte';
import { archiveProject, orderProjects } from '@/api/resources';
import type { Project, Projects } from '@/api/types';
import { showToast } from '@/state/toasts.svelte';
import { keyOf, moveItem, sortByKeys } from './order';

export class ProjectBoard {
  dragged = $state<string | null>(null);
  #query: LiveQuery<Projects>;
  constructor(query: LiveQuery<Projects>) {
    this.#query = query;
  }

  readonly shown = $derived.by(() => (this.#query.data?.projects ?? []).filter((project) => !project.is_archived));
  readonly archived = $derived.by(() => (this.#query.data?.projects ?? []).filter((project) => project.is_archived));

  /** Move a project to another's place. */
  move(key: string, to: number): void {
    const before = this.shown.map(keyOf);
    const from = before.indexOf(key);
    const after = moveItem(before, from, to);
    if (after.join('\n') === before.join('\n')) return;
    void this.#order(after, before);
  }

  async #order(keys: readonly string[], before: readonly string[] | null): Promise<void> {
    const pairs = keys.flatMap((key): [string, string][] => {
      const project = this.shown.find((item) => keyOf(item) === key);
      return project ? [[project.namespace, project.name]] : [];
    });
    this.#keepFocus(() => this.#query.patch((value) => ({ ...value, projects: sortByKeys(value.projects, keys) })));
    try {
      await orderProjects(pairs);
      if (before) showToast('Order kept.', { undo: () => this.#order(before, null) });
    } catch (cause) {
      this.#fail(cause);
    }
  }

  async archive(project: Project, isArchived: boolean, isUndo = false): Promise<void> {
    const key = keyOf(project);
    this.#query.patch((value) => ({ ...value, projects: value.projects.map((item) => (keyOf(item) === key ? { ...item, is_archived: isArchived } : item)) }));
    try {
      await archiveProject(project.namespace, project.name, isArchived);
      if (!isUndo) showToast(`${project.name} is ${isArchived ? 'archived' : 'back'}.`, { undo: () => this.archive(project, !isArchived, true) });
    } catch (cause) {
      this.#fail(cause);
    }
  }

  archiveDragged(): void {
    const project = this.shown.find((item) => keyOf(item) === this.dragged);
    this.dragged = null;
    if (project) void this.archive(project, true);
  }

  #fail(cause: unknown): void {
    const error = toApiError(cause);
    if (error) showToast(`${error.message} [${error.code}]`, { isError: true });
    this.#query.reload();
  }

  #cards(): HTMLElement[] {
    return [...document.querySelectorAll<HTMLElement>('[data-project]')];
  }

  #focused(): Project | undefined {
    const key = document.activeElement?.closest<HTMLElement>('[data-project]')?.dataset.project;
    return [...this.shown, ...this.archived].find((project) => keyOf(project) === key);
  }

  /** Move the focus from card to card. */
  focus(step: number): void {
    const cards = this.#cards();
    const at = cards.findIndex((card) => card.contains(document.activeElement));
    const next = at < 0 ? 0 : Math.min(Math.max(at + step, 0), cards.length - 1);
    focusOn(cards[next]);
  }

  /** Puts it away or brings it back; the focus goes to the card that then stands in its place. */
  archiveFocused(): void {
    const project = this.#focused();
    if (!project) return;
    const at = this.#cards().findIndex((card) => card.contains(document.activeElement));
    void this.archive(project, !project.is_archived);
    requestAnimationFrame(() => {
      const cards = this.#cards();
      focusOn(cards[Math.min(at, cards.length - 1)]);
    });
  }

  moveFocused(step: number): void {
    const project = this.#focused();
    if (!project) return;
    const key = keyOf(project);
    this.move(key, this.shown.findIndex((item) => keyOf(item) === key) + step);
  }

  /** Cards that change their places lose the focus; the one that had it gets it again. */
  #keepFocus(change: () => void): void {
    const key = document.activeElement?.closest<HTMLElement>('[data-project]')?.dataset.project;
    change();
    if (key) requestAnimationFrame(() => focusOn(this.#cards().find((card) => card.dataset.project === key)));
  }
}

const focusOn = (card: HTMLElement | undefined): void => card?.querySelector('a')?.focus();
