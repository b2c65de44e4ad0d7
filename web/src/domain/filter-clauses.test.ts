import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { clauseFor, describeClause, joinClauses, shortKey, splitClauses } from './filter-clauses';
import { quoteText } from './quote-text';

describe('splitClauses', () => {
  test.each([
    ['', []],
    ['   ', []],
    ['resnet straße', ['resnet straße']],
    ['metrics.val/acc.max > 0.9 and params.lr < 1e-3', ['metrics.val/acc.max > 0.9', 'params.lr < 1e-3']],
    ['a = 1 AND b = 2', ['a = 1', 'b = 2']],
    ['(a = 1 and b = 2) and c = 3', ['(a = 1 and b = 2)', 'c = 3']],
    ['note = "this and that" and x = 1', ['note = "this and that"', 'x = 1']],
    ["note = 'it''s and more' and x = 1", ["note = 'it''s and more'", 'x = 1']],
    ['params.operand = 3 and landing = 1', ['params.operand = 3', 'landing = 1']],
    ['a = 1 or b = 2 and c = 3', ['a = 1 or b = 2 and c = 3']],
    ['state in ("failed", "killed") and not archived = true', ['state in ("failed", "killed")', 'not archived = true']],
  ])('%j gives %j', (text, clauses) => {
    expect(splitClauses(text)).toEqual(clauses);
  });

  test('never throws and never loses a letter, whatever is typed', () => {
    const letters = (text: string) => text.replace(/\s/g, '').toLowerCase();
    fc.assert(fc.property(fc.string(), (text) => {
      const clauses = splitClauses(text);
      expect(letters(clauses.join('and')).length).toBeLessThanOrEqual(letters(text).length);
    }));
  });
});

describe('joinClauses', () => {
  test('brackets an or where others stand beside it, and only there', () => {
    expect(joinClauses(['a = 1 or b = 2'])).toBe('a = 1 or b = 2');
    expect(joinClauses(['a = 1 or b = 2', 'c = 3'])).toBe('(a = 1 or b = 2) and c = 3');
    expect(joinClauses(['', ' x = 1 '])).toBe('x = 1');
  });

  const clause = fc.oneof(
    fc.tuple(fc.constantFrom('params.lr', 'metrics.val/acc.max', 'tag'), fc.constantFrom('=', '>', '<=', '~'), fc.string().map(quoteText)).map((parts) => parts.join(' ')),
    fc.constantFrom('baseline', 'state in ("failed", "killed")', '(a = 1 and b = 2)'),
  );

  test('and splitClauses undo each other', () => {
    fc.assert(fc.property(fc.array(clause, { maxLength: 6 }), (clauses) => {
      expect(splitClauses(joinClauses(clauses))).toEqual(clauses);
    }));
  });
});

describe('describeClause', () => {
  test.each([
    ['params.arch = "vit-s/16"', ['arch', 'is', 'vit-s/16']],
    ['metrics.val/top1.max > 79', ['val/top1 max', 'above', '79']],
    ['metrics.val/top1 > 79', ['val/top1 last', 'above', '79']],
    ['metrics.val/top1.last > 79', ['val/top1 last', 'above', '79']],
    ['state != archived', ['state', 'is not', 'archived']],
    ['params.lr <= 1e-3', ['lr', 'at most', '1e-3']],
    ['note ~ "out of memory"', ['note', 'contains', 'out of memory']],
    ['state in ("failed", "killed")', ['state', 'is', 'failed or killed']],
    ['tag not in ("a", "b")', ['tag', 'is not', 'a or b']],
    ['params.lr is null', ['lr', 'is', 'missing']],
    ['params.lr is not null', ['lr', 'has', 'a value']],
    ['metrics.loss is nan', ['loss last', 'is', 'NaN']],
    ['not archived = true', ['', '', 'not archived = true']],
    ['resnet', ['', '', 'resnet']],
    ['"say ""hi"""', ['', '', '"say ""hi"""']],
  ])('%s is %j', (clause, words) => {
    expect(describeClause(clause)).toEqual(words);
  });

  test('says something for whatever is typed', () => {
    fc.assert(fc.property(fc.string({ minLength: 1 }), (text) => {
      expect(describeClause(text)).toHaveLength(3);
    }));
  });
});

test('a key is said without its family, a summary after its metric', () => {
  expect(shortKey('metrics.val/acc.max')).toBe('val/acc max');
  expect(shortKey('params.optimizer.lr')).toBe('optimizer.lr');
  expect(shortKey('state')).toBe('state');
});

describe('clauseFor', () => {
  test('quotes texts and leaves numbers of parameters as they are', () => {
    expect(clauseFor('tag', ['seed'])).toBe('tag = "seed"');
    expect(clauseFor('params.lr', ['1e-3'])).toBe('params.lr = 1e-3');
    expect(clauseFor('params.model', ['a "b"', 'c'])).toBe('params.model in ("a ""b""", "c")');
  });

  test('is one clause whatever the values', () => {
    fc.assert(fc.property(fc.array(fc.string(), { minLength: 1, maxLength: 4 }), (values) => {
      expect(splitClauses(clauseFor('tag', values))).toHaveLength(1);
    }));
  });
});
