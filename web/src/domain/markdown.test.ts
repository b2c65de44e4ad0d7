import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isSafeHref, parseMarkdown, parseSpans, type Block, type Span } from './markdown';

const textOf = (spans: readonly Span[]): string => spans.map(({ text }) => text).join('');

function spansOf(block: Block): readonly Span[] {
  if (block.kind === 'list') return block.items.flat();
  return block.kind === 'code' || block.kind === 'rule' ? [] : block.spans;
}

describe('parseMarkdown', () => {
  test('tells headings, paragraphs, lists, quotes, code and rules apart', () => {
    const blocks = parseMarkdown('# Title\n\nOne\ntwo\n\n- a\n- b\n  more\n\n1. x\n2. y\n\n> said\n\n```\n# no heading\n```\n---');
    expect(blocks.map(({ kind }) => kind)).toEqual(['heading', 'paragraph', 'list', 'list', 'quote', 'code', 'rule']);
    expect(blocks[1]).toMatchObject({ spans: [{ kind: 'text', text: 'One\ntwo' }] });
    expect(blocks[2]).toMatchObject({ isOrdered: false, items: [[{ text: 'a' }], [{ text: 'b more' }]] });
    expect(blocks[3]).toMatchObject({ isOrdered: true });
    expect(blocks[5]).toEqual({ kind: 'code', text: '# no heading' });
  });

  test('a fence that is never closed holds the rest', () => {
    expect(parseMarkdown('```\na\nb')).toEqual([{ kind: 'code', text: 'a\nb' }]);
  });

  test('HTML is text', () => {
    const [block] = parseMarkdown('<script>alert(1)</script> <img src=x onerror=alert(1)>');
    expect(block).toEqual({ kind: 'paragraph', spans: [{ kind: 'text', text: '<script>alert(1)</script> <img src=x onerror=alert(1)>' }] });
  });

  test('parses any text, and every link may be clicked', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'#-*_`[]()<>!\n ab1.:/'), maxLength: 200 }), (text) => {
        for (const block of parseMarkdown(text)) {
          for (const span of spansOf(block)) if (span.kind === 'link') expect(isSafeHref(span.href)).toBe(true);
        }
      }),
    );
  });

  test('ends on long texts made to take long', () => {
    for (const piece of ['*a', '[a', '_a_', '`', '> ', '# ', '- ']) expect(parseMarkdown(piece.repeat(20_000)).length).toBeGreaterThan(0);
  });
});

describe('parseSpans', () => {
  test('knows code, strong, emphasis and links', () => {
    expect(parseSpans('a `b*c*` **d** *e* _f_ [g](https://h.org)').filter(({ kind }) => kind !== 'text')).toEqual([
      { kind: 'code', text: 'b*c*' },
      { kind: 'strong', text: 'd' },
      { kind: 'em', text: 'e' },
      { kind: 'em', text: 'f' },
      { kind: 'link', text: 'g', href: 'https://h.org' },
    ]);
  });

  test('leaves underscores in names alone', () => {
    expect(parseSpans('train_loss_mean')).toEqual([{ kind: 'text', text: 'train_loss_mean' }]);
  });

  test('makes a bare address a link', () => {
    expect(parseSpans('see https://a.org/x.')[1]).toMatchObject({ kind: 'link' });
  });

  test('loses no letter of a text without marks', () => {
    fc.assert(fc.property(fc.string({ unit: fc.constantFrom(...'abc <>&;"\'') }), (text) => {
      expect(textOf(parseSpans(text))).toBe(text);
    }));
  });
});

test('only http, https and mailto may be clicked', () => {
  expect(['https://a', 'HTTP://a', 'mailto:a@b'].every(isSafeHref)).toBe(true);
  expect(['javascript:alert(1)', ' https://a', 'data:text/html,x', '//a', 'vbscript:x'].some(isSafeHref)).toBe(false);
  expect(parseSpans('[x](javascript:alert(1))').every(({ kind }) => kind === 'text')).toBe(true);
});
