// The lines of Python that record a run where somebody looks: they name a namespace and a store only where the defaults
// of a script on this machine would lead elsewhere.

interface Where {
  project: string;
  experiment?: string | null;
  namespace: string;
  /** The namespace that scripts record under unless told. */
  ownNamespace: string;
  /** The store's folder; null for the one that scripts record to unless told. */
  root: string | null;
}

const mostChars = 60;

/** Print the lines; whatever a name holds, they are Python. */
export function firstLines({ project, experiment, namespace, ownNamespace, root }: Where): string {
  const given = {
    project,
    experiment: experiment || null,
    namespace: namespace === ownNamespace ? null : namespace,
    root,
  };
  const named = Object.entries(given).flatMap(([name, value]) => (value === null ? [] : [`${name}=${quotePython(value)}`]));
  const all = [...named, 'params={"lr": 3e-4}'];
  const isShort = all.join(', ').length <= mostChars;
  return `import everbloom as eb

with eb.init(${isShort ? all.join(', ') : `\n    ${all.join(',\n    ')},\n`}) as run:
    for step in range(100):
        run.log({"loss": 1 / (step + 1)}, step=step)`;
}

/** Print a text as Python reads it back: JSON's escapes are Python's. */
const quotePython = (text: string): string => JSON.stringify(text);
