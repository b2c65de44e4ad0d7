import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseAnsi, stripAnsi } from './ansi';

describe('parseAnsi', () => {
  test('gives colours and weight to what follows them', () => {
    expect(parseAnsi('a\x1b[32mb\x1b[1mc\x1b[0md')).toEqual([
      { text: 'a', colour: null, isBold: false, isDim: false },
      { text: 'b', colour: 2, isBold: false, isDim: false },
      { text: 'c', colour: 2, isBold: true, isDim: false },
      { text: 'd', colour: null, isBold: false, isDim: false },
    ]);
  });

  test('takes bright colours as their plain twins and reads past 256 and true colours', () => {
    expect(parseAnsi('\x1b[91mx')[0]?.colour).toBe(1);
    expect(parseAnsi('\x1b[38;5;31mx')[0]?.colour).toBeNull();
    expect(parseAnsi('\x1b[38;2;31;32;33;1mx')[0]).toMatchObject({ colour: null, isBold: true });
    expect(parseAnsi('\x1b[31m\x1b[39mx\x1b[2my\x1b[22mz').map(({ isDim }) => isDim)).toEqual([false, true, false]);
  });

  test('takes out what moves a cursor, titles, links and control characters', () => {
    expect(stripAnsi('\x1b[2K\x1b[1Aa\x1b]0;title\x07b\x1b]8;;http://x\x1b\\c\x07\r\x1bM')).toBe('abc');
  });

  test('keeps tabs, markup and anything that is text', () => {
    expect(stripAnsi('a\t<script>&amp;')).toBe('a\t<script>&amp;');
  });

  test('loses no printable letter, whatever stands between', () => {
    const piece = fc.oneof(fc.constantFrom('\x1b[31m', '\x1b[0m', '\x1b[1;4m', '\x1b[K', '\r'), fc.string({ unit: fc.constantFrom(...'abc <>') }));
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const wanted = pieces.filter((one) => !/[\x1b\r]/.test(one)).join('');
        expect(stripAnsi(pieces.join(''))).toBe(wanted);
        expect(parseAnsi(pieces.join('')).map(({ text }) => text).join('')).toBe(wanted);
      }),
    );
  });
});
