/** Keeps a value the same object while it says the same, so that what is worked out of it and drawn stays, too. */
export function steady<T>(): (next: T) => T {
  let kept: { readonly value: T; readonly text: string } | null = null;
  return (next) => {
    if (kept?.value === next) return next;
    const text = JSON.stringify(next);
    if (kept?.text !== text) kept = { value: next, text };
    return kept.value;
  };
}
