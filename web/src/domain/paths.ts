// Addresses of pages, so that no component builds one by hand.

export interface Scope {
  namespace: string;
  project: string;
  experiment?: string | null;
}

export type PageName = 'projects' | 'runs' | 'compare' | 'run' | 'settings' | 'kit' | 'link' | 'missing';

/** What an address names. */
export interface Place {
  page: PageName;
  namespace: string | null;
  project: string | null;
  experiment: string | null;
  run: string | null;
  /** The hash of a short link. */
  link?: string;
}

/** The project that a place lies in, or null. */
export function scopeOf(place: Place): Scope | null {
  if (place.namespace === null || place.project === null) return null;
  return { namespace: place.namespace, project: place.project, experiment: place.experiment };
}

export function projectPath(scope: Scope, page: 'runs' | 'compare' = 'runs'): string {
  const head = `/${encodeURIComponent(scope.namespace)}/${encodeURIComponent(scope.project)}`;
  return `${head}${scope.experiment ? `/e/${encodeURIComponent(scope.experiment)}` : ''}/${page}`;
}

export const runPath = (id: string): string => `/r/${encodeURIComponent(id)}`;

export function comparePath(ids: readonly string[], scope: Scope | null = null): string {
  const path = scope ? projectPath(scope, 'compare') : '/compare';
  return ids.length ? `${path}?runs=${ids.map(encodeURIComponent).join(',')}` : path;
}

/** Names a project for habits and selections. */
export const scopeKey = (scope: Scope): string => `${scope.namespace}/${scope.project}${scope.experiment ? `/e/${scope.experiment}` : ''}`;
