// The person's own order of projects. Pure.
import type { Project } from '@/api/types';

export const keyOf = (project: Pick<Project, 'namespace' | 'name'>): string => `${project.namespace}/${project.name}`;

/** Put what is at `from` to the place `to`; places out of range change nothing. */
export function moveItem<T>(items: readonly T[], from: number, to: number): T[] {
  const moved = [...items];
  if (from === to || from < 0 || to < 0 || from >= items.length || to >= items.length) return moved;
  moved.splice(to, 0, ...moved.splice(from, 1));
  return moved;
}

/** Sort by a list of keys; those that it does not name keep their order, behind. */
export function sortByKeys(projects: readonly Project[], keys: readonly string[]): Project[] {
  const place = new Map(keys.map((key, index) => [key, index]));
  return [...projects].sort((a, b) => (place.get(keyOf(a)) ?? Infinity) - (place.get(keyOf(b)) ?? Infinity) || 0);
}
