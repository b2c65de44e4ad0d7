import { expect, test } from 'vitest';
import { isUnfinished } from './filter-unfinished';

test.each(['metrics.val/acc >', 'tag = "base', "note = 'it''s", '(walk', 'walk)', 'walk and', 'not', 'tag in ("a",', 'params.lr is not', '> 0.9', 'or walk', 'a ~', '(not)'])('%j is still being typed', (text) => {
  expect(isUnfinished(text)).toBe(true);
});

test.each(['', 'walk', 'android island', 'metrics.val/acc > 0.9', 'tag = "and"', '"like"', 'params."a > b" = 3', '(a = 1 or b = 2) and not c is null', 'state in ("failed", "killed")', 'note ~ "("', 'params.in.features = 3'])('%j may be whole', (text) => {
  expect(isUnfinished(text)).toBe(false);
});
