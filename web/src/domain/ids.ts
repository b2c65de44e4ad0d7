// Brands for what is easily confused. They cost nothing at run time.
declare const brand: unique symbol;
type Brand<T, Name extends string> = T & { readonly [brand]?: Name };

export type RunId = Brand<string, 'RunId'>;
export type StepIndex = Brand<number, 'StepIndex'>;
export type CssPx = Brand<number, 'CssPx'>;
export type DevicePx = Brand<number, 'DevicePx'>;
/** Microseconds since 1970 in UTC, as the server's `*_at` fields carry them. */
export type EpochMicros = Brand<number, 'EpochMicros'>;

/** The end of a name that makes it unique is shown quietly: `amber-heron-7c1e` is `['amber-heron', '-7c1e']`. */
export function splitName(name: string): [string, string] {
  const match = /^(.+)(-[0-9a-f]{4})$/.exec(name);
  return match?.[1] && match[2] ? [match[1], match[2]] : [name, ''];
}
