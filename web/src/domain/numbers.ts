// Numbers as people read them. JSON has no NaN or infinity, so the server sends them as strings; here they become
// numbers again and get marks of their own, because a blank cell would hide that training diverged.

/** A number as JSON carries it. */
export type WireNumber = number | 'NaN' | 'Infinity' | '-Infinity';

export function fromWire(value: WireNumber): number {
  return typeof value === 'number' ? value : Number(value);
}

const special: Record<string, number> = { NaN: NaN, Infinity: Infinity, '-Infinity': -Infinity };

/** Read a cell as a number: null where it is no number at all. */
export function toNumber(value: unknown): number | null {
  if (typeof value === 'number') return value;
  if (typeof value === 'string') return special[value] ?? null;
  return null;
}

const minus = '\u2212';

/** Format with about four significant digits, three and an exponent for the very large and small: 0.0003 is `3e-4`. */
export function formatNumber(value: number, digits = 4): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+∞' : `${minus}∞`;
  if (value === 0) return '0';
  const size = Math.abs(value);
  const text = size < 1e-3 || size >= 1e7 ? exponent(value, digits) : fixed(value, size, digits);
  return text.replace(/^-/, minus);
}

function exponent(value: number, digits: number): string {
  const [mantissa = '0', power = '0'] = value.toExponential(digits - 2).split('e');
  return `${mantissa.replace(/\.?0+$/, '')}e${Number(power)}`;
}

function fixed(value: number, size: number, digits: number): string {
  if (Number.isInteger(value)) return groupDigits(value);
  // As large as it is when rounded: 0.99999 is 1.000, not 1.0000.
  const whole = Math.floor(Math.log10(Number(size.toPrecision(Math.max(1, digits))))) + 1;
  // Zeros behind the point say nothing: 0.001234 has as many digits as 0.1234, not two of them.
  const text = value.toFixed(Math.max(0, digits - whole));
  return text.includes('.') ? text : groupDigits(Number(text));
}

/** Format a number that somebody chose, as a parameter: the digits that it has, no zeros after them. */
export function formatChosen(value: number): string {
  const text = formatNumber(value);
  return /[.]/.test(text) && !text.includes('e') ? text.replace(/\.?0+$/, '') : text;
}

/** Format a whole number with thin groups from five digits on: `100,412`, but `2048`. */
export function groupDigits(value: number): string {
  return Math.abs(value) < 10_000 ? String(value) : value.toLocaleString('en-US');
}

export function formatCount(value: number): string {
  return value.toLocaleString('en-US');
}

/** Format a difference with its sign always shown. */
export function formatDelta(value: number): string {
  const text = formatNumber(value, 3);
  return value > 0 ? `+${text.replace(/^\+/, '')}` : text;
}

/** How many digits after the point a column needs so that its numbers align: what its smallest spread asks for. */
export function columnDigits(values: readonly number[]): number | null {
  const finite = values.filter((value) => Number.isFinite(value) && value !== 0);
  if (finite.length === 0) return null;
  const sizes = finite.map(Math.abs);
  const largest = Math.max(...sizes);
  if (finite.every(Number.isInteger) || largest >= 1e7) return null;
  if (Math.min(...sizes) < 1e-3) return null;
  return largest <= 1 ? 4 : Math.max(0, 3 - Math.floor(Math.log10(largest)));
}

/** Format for a column whose `columnDigits` is known; null means each number for itself. */
export function formatAligned(value: number, digits: number | null): string {
  if (digits === null || !Number.isFinite(value)) return formatNumber(value);
  return value.toFixed(digits).replace(/^-/, minus);
}

/** Format a size with three digits and its unit, in steps of a thousand: `2.35 MB`, `300 MB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let size = bytes;
  let unit = 0;
  // What rounds to a thousand is one of the next unit: 999,999 B are 1 MB, not 1000 kB.
  while (size >= (unit === 0 ? 1000 : 999.5) && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  // A number prints without zeros behind its point, and keeps those before it.
  return `${unit === 0 ? size : Number(size.toPrecision(3))} ${units[unit]}`;
}
