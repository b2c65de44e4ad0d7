// Rows as CSV (RFC 4180). Text that a spreadsheet would run as a formula gets a quote before it, because names, notes
// and tags come from anywhere; numbers stay numbers.

const startsFormula = /^[=+\-@\t\r]/;

export function printCsvCell(value: string, isNumber: boolean): string {
  const safe = !isNumber && startsFormula.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export const printCsvLine = (cells: readonly string[]): string => `${cells.join(',')}\r\n`;
