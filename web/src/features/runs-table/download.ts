// A file of what is seen: all matches in their order, the columns shown, read in pages of 1,000.
import { readRuns } from '@/api/resources';
import type { RunRow } from '@/api/types';
import { printColumn } from './cells';
import { cellKeys, type ShownColumn } from './columns';
import { printCsvCell, printCsvLine } from './csv';
import type { RunsModel } from './model.svelte';

const pageRows = 1000;
const numeric = new Set<ShownColumn['kind']>(['metric', 'number', 'duration']);

function printRow(row: RunRow, columns: readonly ShownColumn[]): string {
  const cells = columns.map((column) => printCsvCell(printColumn(row, column, 0, true), numeric.has(column.kind)));
  return printCsvLine([row.id, printCsvCell(row.name, false), ...cells]);
}

export async function downloadCsv(model: RunsModel): Promise<void> {
  const columns = model.columns.filter((column) => column.kind !== 'spark' && column.kind !== 'delta');
  const parts = [printCsvLine(['id', 'name', ...columns.map((column) => printCsvCell(column.key, false))])];
  const ask = { sort: model.values.now.sort, cols: cellKeys(columns), spark: '', limit: pageRows };
  for (let offset = 0, total = 1; offset < total; offset += pageRows) {
    const page = await readRuns(model.where, { ...ask, offset });
    total = page.total;
    parts.push(page.rows.map((row) => printRow(row, columns)).join(''));
  }
  saveFile(new Blob(parts, { type: 'text/csv' }), `${model.scope.project}-runs.csv`);
}

function saveFile(blob: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
