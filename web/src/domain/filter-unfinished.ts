// Whether a filter is still being typed. The server refuses such a text whatever the runs are, so asking it is in vain;
// what a whole filter means, and whether its keys exist, stays the server's to say. Pure.

const quotes = /"(?:[^"]|"")*"|'(?:[^']|'')*'/g;
const opensWithOperator = /^[\s(]*(?:[<>=~!,]|(?:and|or|in|like|is)(?![^\s(),<>=!~]))/i;
const endsWithOperator = /(?:[<>=~!,]|(?:^|[\s(),<>=~])(?:and|or|not|in|like|is))[\s)]*$/i;

/** Tell whether a quote or bracket is open, or an operator has nothing on one of its sides: refused, for certain. */
export function isUnfinished(text: string): boolean {
  const bare = text.replace(quotes, 'q');
  return /["']/.test(bare) || !isBalanced(bare) || opensWithOperator.test(bare) || endsWithOperator.test(bare);
}

function isBalanced(text: string): boolean {
  let depth = 0;
  for (const character of text) {
    depth += character === '(' ? 1 : character === ')' ? -1 : 0;
    if (depth < 0) return false;
  }
  return depth === 0;
}
