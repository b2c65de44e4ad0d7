import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { choice, decode, encode, flag, list, number, prettySearch, text } from './codec';

const codecs = { f: text(), sort: text('-created'), cols: list(), ema: number(0), x: choice(['step', 'relative', 'time'], 'step'), wide: flag() };

describe('the address bar', () => {
  test('leaves defaults out', () => {
    expect(encode(codecs, '', { sort: '-created', cols: [], ema: 0, x: 'step', wide: false })).toBe('');
    expect(encode(codecs, '?sort=name', { sort: '-created' })).toBe('');
  });

  test('keeps what it does not know', () => {
    expect(encode(codecs, '?utm=1&f=a', { f: 'b' })).toBe('?utm=1&f=b');
  });

  test('reads nonsense as the default', () => {
    expect(decode(codecs, '?ema=much&x=sideways')).toMatchObject({ ema: 0, x: 'step', f: '' });
  });

  test('stays readable', () => {
    expect(encode(codecs, '', { f: 'metrics.val/acc>0.9', cols: ['a/b', 'c'] })).toBe('?f=metrics.val/acc>0.9&cols=a/b,c');
  });

  test('gives back what was put in, whatever it is', () => {
    const string = fc.string().filter((value) => value.isWellFormed());
    const values = fc.record({ f: string, sort: string, cols: fc.array(string.filter(Boolean)), ema: fc.double({ noNaN: true, noDefaultInfinity: true }), x: fc.constantFrom('step' as const, 'relative' as const, 'time' as const), wide: fc.boolean() });
    fc.assert(fc.property(values, (value) => {
      const printed = decode(codecs, new URL(`http://host/${encode(codecs, '', value)}`).search);
      expect({ ...printed, ema: printed.ema + 0 }).toEqual({ ...value, ema: value.ema + 0 });
    }));
  });

  test('means the same after the escapes that nobody needs are gone', () => {
    fc.assert(fc.property(fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.string().filter((value) => value.isWellFormed())), (values) => {
      const plain = new URLSearchParams(values).toString();
      expect([...new URLSearchParams(prettySearch(plain))]).toEqual([...new URLSearchParams(plain)]);
    }));
  });
});

test('values whose text did not change stay the same objects', () => {
  const codecs = { runs: list(), hide: list(), zoom: text() };
  const before = { search: '?runs=a,b&zoom=1~2', values: decode(codecs, '?runs=a,b&zoom=1~2') };
  const zoomed = decode(codecs, '?runs=a,b&zoom=3~4', before);
  expect(zoomed).toEqual({ runs: ['a', 'b'], hide: [], zoom: '3~4' });
  expect(zoomed.runs).toBe(before.values.runs);
  expect(decode(codecs, '?zoom=1~2&runs=a,b&other=5', before)).toBe(before.values);
  expect(decode(codecs, '?zoom=1~2', before).runs).toEqual([]);
});
