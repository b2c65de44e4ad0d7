/** End an exhaustive switch: a case that is not handled is a type error here. */
export function assertNever(value: never): never {
  throw new Error(`unexpected case: ${String(value)}`);
}
