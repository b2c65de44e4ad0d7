/** Pages through previews, and bytes as people read them. Pure. */
import type { Preview } from '@/api/run-types';
import { assertNever } from '@/domain/assert';
import { formatCount } from '@/domain/numbers';

/** Where the next page begins; null at the end, and where there are no pages. */
export function nextOffset(preview: Preview): number | null {
  switch (preview.kind) {
    case 'text':
      return preview.next_offset;
    case 'table': {
      const end = preview.offset + preview.rows.length;
      const isEnd = preview.rows.length === 0 || (preview.total_rows !== null && end >= preview.total_rows);
      return isEnd ? null : end;
    }
    case 'tensors':
    case 'model': {
      const end = preview.offset + preview.tensors.length;
      return preview.tensors.length > 0 && end < preview.total ? end : null;
    }
    case 'notebook': {
      const end = preview.offset + preview.cells.length;
      return preview.cells.length > 0 && end < preview.total ? end : null;
    }
    case 'binary': {
      const end = preview.offset + preview.hex.length / 2;
      return preview.hex.length > 0 && end < preview.size ? end : null;
    }
    case 'json':
    case 'media':
      return null;
    default:
      return assertNever(preview);
  }
}

/** Which part of the file a page is, in the words of its kind. */
export function describePage(preview: Preview): string {
  const next = nextOffset(preview);
  switch (preview.kind) {
    case 'text':
    case 'binary':
      return `bytes ${formatCount(preview.offset)} to ${formatCount(next ?? preview.size)} of ${formatCount(preview.size)}`;
    case 'table':
      return countPage('rows', preview.offset, preview.rows.length, preview.total_rows);
    case 'tensors':
    case 'model':
      return countPage('arrays', preview.offset, preview.tensors.length, preview.total);
    case 'notebook':
      return countPage('cells', preview.offset, preview.cells.length, preview.total);
    case 'json':
    case 'media':
      return '';
    default:
      return assertNever(preview);
  }
}

function countPage(what: string, offset: number, length: number, total: number | null): string {
  return `${what} ${formatCount(offset + 1)} to ${formatCount(offset + length)}${total === null ? '' : ` of ${formatCount(total)}`}`;
}

const ROW_BYTES = 16;

/** Hex digits as a dump: address, bytes, what is readable of them. */
export function hexLines(hex: string, offset: number): string {
  const bytes = hex.match(/../g) ?? [];
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += ROW_BYTES) {
    const row = bytes.slice(at, at + ROW_BYTES);
    const address = (offset + at).toString(16).padStart(8, '0');
    const text = row.map((byte) => toReadable(Number.parseInt(byte, 16))).join('');
    lines.push(`${address}  ${row.join(' ').padEnd(ROW_BYTES * 3 - 1)}  ${text}`);
  }
  return lines.join('\n');
}

function toReadable(byte: number): string {
  return byte >= 32 && byte < 127 ? String.fromCharCode(byte) : '·';
}

/** An image in base64 as an address that an image element may show; null for a type that could hold script. */
export function imageAddress(mediaType: string, base64: string): string | null {
  const isSafe = /^image\/(?:png|jpe?g|gif|webp)$/.test(mediaType) && /^[A-Za-z0-9+/=\s]*$/.test(base64);
  return isSafe ? `data:${mediaType};base64,${base64.replaceAll(/\s/g, '')}` : null;
}
