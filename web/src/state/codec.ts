// Typed values of the address bar. A codec knows its default and leaves it out, so that links stay short and readable.

export interface Codec<T> {
  readonly fallback: T;
  parse(text: string): T;
  print(value: T): string;
}

export type Codecs = Readonly<Record<string, Codec<unknown>>>;
export type Values<C extends Record<string, Codec<unknown>>> = { -readonly [K in keyof C]: C[K] extends Codec<infer T> ? T : never };

export const text = (fallback = ''): Codec<string> => ({ fallback, parse: (value) => value, print: (value) => value });

export const flag = (): Codec<boolean> => ({ fallback: false, parse: (value) => value === '1', print: (value) => (value ? '1' : '0') });

export const number = (fallback: number): Codec<number> => ({
  fallback,
  parse: (value) => (value.trim() !== '' && Number.isFinite(Number(value)) ? Number(value) : fallback),
  print: String,
});

export function choice<const T extends string>(options: readonly T[], fallback: T): Codec<T> {
  return { fallback, parse: (value) => options.find((option) => option === value) ?? fallback, print: (value) => value };
}

/** Names joined by commas; a comma or backslash inside a name is escaped with a backslash. */
export const list = (): Codec<readonly string[]> => ({
  fallback: [],
  parse: (value) => (value === '' ? [] : splitList(value)),
  print: (value) => value.map((item) => item.replace(/[\\,]/g, '\\$&')).join(','),
});

function splitList(value: string): string[] {
  const items: string[] = [''];
  for (let at = 0; at < value.length; at += 1) {
    const char = value.charAt(at);
    if (char === ',') items.push('');
    else items[items.length - 1] += char === '\\' ? value.charAt(++at) : char;
  }
  return items;
}

interface Decoded<V> {
  readonly search: string;
  readonly values: V;
}

/** Read values from a query string; those whose text is as in `before` are the same as there, and the whole where all are. */
export function decode<C extends Record<string, Codec<unknown>>>(codecs: C, search: string, before?: Decoded<Values<C>> | null): Values<C>;
export function decode(codecs: Record<string, Codec<unknown>>, search: string, before: Decoded<Record<string, unknown>> | null = null): Record<string, unknown> {
  const params = new URLSearchParams(search);
  const old = new URLSearchParams(before?.search);
  const isOld = (key: string): boolean => before !== null && params.get(key) === old.get(key);
  const keys = Object.keys(codecs);
  if (before !== null && keys.every(isOld)) return before.values;
  return Object.fromEntries(Object.entries(codecs).map(([key, codec]) => {
    const value = params.get(key);
    if (isOld(key)) return [key, before?.values[key]];
    return [key, value === null ? codec.fallback : codec.parse(value)];
  }));
}

/** Write changed values over a query string; keys that the codecs do not know stay as they are. */
export function encode<C extends Record<string, Codec<unknown>>>(codecs: C, search: string, changes: Partial<Values<C>>): string;
export function encode(codecs: Record<string, Codec<unknown>>, search: string, changes: Record<string, unknown>): string {
  const params = new URLSearchParams(search);
  for (const [key, value] of Object.entries(changes)) {
    const codec = codecs[key];
    if (!codec) continue;
    const printed = codec.print(value);
    if (printed === codec.print(codec.fallback)) params.delete(key);
    else params.set(key, printed);
  }
  const printed = prettySearch(params.toString());
  return printed ? `?${printed}` : '';
}

/** Undo the escapes that a query string does not need, so that people can read it: `/`, `,`, `:` and the like. */
export function prettySearch(search: string): string {
  return search.replace(/%(2F|2C|3A|40|24|3E|3C|3D|28|29|22|7E|21)/g, (code, hex) => (hex === '3D' ? '=' : hex === '22' ? code : decodeURIComponent(code)));
}
