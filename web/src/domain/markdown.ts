/**
 * Markdown as data: the part of it that notes need, as blocks and spans of text. What a component shows of it is text in
 * elements that we name, so HTML in a note is read as its characters. Links keep http, https and mailto; another scheme is
 * text. Left out: images, tables, HTML, footnotes. Linear in the text's length.
 */

export type Span =
  | { readonly kind: 'text' | 'code' | 'strong' | 'em'; readonly text: string }
  | { readonly kind: 'link'; readonly text: string; readonly href: string };

export type Block =
  | { readonly kind: 'heading'; readonly level: number; readonly spans: readonly Span[] }
  | { readonly kind: 'paragraph' | 'quote'; readonly spans: readonly Span[] }
  | { readonly kind: 'list'; readonly isOrdered: boolean; readonly items: readonly (readonly Span[])[] }
  | { readonly kind: 'code'; readonly text: string }
  | { readonly kind: 'rule' };

const HEADING = /^(#{1,6})\s+(.*?)\s*#*$/;
const ITEM = /^\s*(?:[-*+]|(\d+)[.)])\s+(.*)$/;
const FENCE = /^\s*```/;
const RULE = /^\s*(?:-{3,}|\*{3,}|_{3,})\s*$/;
const QUOTE = /^\s*>\s?(.*)$/;

/** Parse a text; any text is a document. */
export function parseMarkdown(text: string): Block[] {
  const lines = text.replaceAll('\r\n', '\n').split('\n');
  const blocks: Block[] = [];
  let at = 0;
  while (at < lines.length) {
    const line = lines[at] ?? '';
    if (line.trim() === '') at += 1;
    else if (FENCE.test(line)) at = readFence(lines, at, blocks);
    else if (RULE.test(line)) at = push(blocks, { kind: 'rule' }, at + 1);
    else if (HEADING.test(line)) at = push(blocks, toHeading(line), at + 1);
    else if (ITEM.test(line)) at = readList(lines, at, blocks);
    else at = readProse(lines, at, blocks);
  }
  return blocks;
}

function push(blocks: Block[], block: Block, next: number): number {
  blocks.push(block);
  return next;
}

function toHeading(line: string): Block {
  const found = HEADING.exec(line);
  return { kind: 'heading', level: found?.[1]?.length ?? 1, spans: parseSpans(found?.[2] ?? '') };
}

function readFence(lines: readonly string[], from: number, blocks: Block[]): number {
  let to = from + 1;
  while (to < lines.length && !FENCE.test(lines[to] ?? '')) to += 1;
  return push(blocks, { kind: 'code', text: lines.slice(from + 1, to).join('\n') }, to + 1);
}

function readList(lines: readonly string[], from: number, blocks: Block[]): number {
  const isOrdered = ITEM.exec(lines[from] ?? '')?.[1] !== undefined;
  const items: string[] = [];
  let at = from;
  for (; at < lines.length; at += 1) {
    const line = lines[at] ?? '';
    const found = ITEM.exec(line);
    if (found !== null && (found[1] !== undefined) === isOrdered) items.push(found[2] ?? '');
    else if (found === null && /^\s{2,}\S/.test(line) && items.length > 0) items[items.length - 1] += ` ${line.trim()}`;
    else break;
  }
  return push(blocks, { kind: 'list', isOrdered, items: items.map(parseSpans) }, at);
}

function readProse(lines: readonly string[], from: number, blocks: Block[]): number {
  const isQuote = QUOTE.test(lines[from] ?? '');
  const parts: string[] = [];
  let at = from;
  for (; at < lines.length; at += 1) {
    const line = lines[at] ?? '';
    const isEnd = line.trim() === '' || FENCE.test(line) || HEADING.test(line) || RULE.test(line) || ITEM.test(line);
    if (isEnd || QUOTE.test(line) !== isQuote) break;
    parts.push(isQuote ? (QUOTE.exec(line)?.[1] ?? '') : line);
  }
  return push(blocks, { kind: isQuote ? 'quote' : 'paragraph', spans: parseSpans(parts.join('\n')) }, at);
}

const SPAN = /`([^`\n]+)`|\*\*([^*\n]+)\*\*|\*([^*\s][^*\n]*)\*|_([^_\s][^_\n]*)_(?!\w)|\[([^\]\n]+)\]\(([^()\s]+)\)|(https?:\/\/[^\s<>"')\]]+)/g;

/** Parse the spans of one line or paragraph. */
export function parseSpans(text: string): Span[] {
  const spans: Span[] = [];
  let last = 0;
  for (const found of text.matchAll(SPAN)) {
    // An underscore inside a word is part of a name.
    if (found[4] !== undefined && /\w/.test(text[found.index - 1] ?? '')) continue;
    if (found.index > last) spans.push({ kind: 'text', text: text.slice(last, found.index) });
    spans.push(toSpan(found));
    last = found.index + found[0].length;
  }
  if (last < text.length) spans.push({ kind: 'text', text: text.slice(last) });
  return spans;
}

function toSpan(found: RegExpMatchArray): Span {
  const [whole, code, strong, starred, underlined, label, href, bare] = found;
  if (code !== undefined) return { kind: 'code', text: code };
  if (strong !== undefined) return { kind: 'strong', text: strong };
  const emphasis = starred ?? underlined;
  if (emphasis !== undefined) return { kind: 'em', text: emphasis };
  if (bare !== undefined) return { kind: 'link', text: bare, href: bare };
  if (label !== undefined && href !== undefined && isSafeHref(href)) return { kind: 'link', text: label, href };
  return { kind: 'text', text: whole };
}

/** Whether an address may be clicked: http, https or mailto. */
export function isSafeHref(href: string): boolean {
  return /^(?:https?:\/\/|mailto:)/i.test(href);
}
