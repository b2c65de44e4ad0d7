// A filter as a row of chips: split at its outer `and`s, each said in words, put together again. Only the outer shape is
// read here; what a filter means is the server's to say. Words and quotes are told apart as the language does.

import { quoteText } from './quote-text';

type Token = { kind: 'word' | 'quoted' | 'operator' | 'mark'; text: string; start: number; end: number };

const pattern = /"(?:[^"]|"")*"|'(?:[^']|'')*'|<=|>=|!=|==|<>|[=<>~]|[(),]|[^\s(),"'=<>!~]+|\S/g;

function readTokens(text: string): Token[] {
  return [...text.matchAll(pattern)].map((match) => {
    const found = match[0];
    const kind = /^["']/.test(found) && found.length > 1 ? 'quoted' : /^[<>=~!]/.test(found) ? 'operator' : /^[(),]/.test(found) ? 'mark' : 'word';
    return { kind, text: found, start: match.index, end: match.index + found.length };
  });
}

const isWord = (token: Token, word: string) => token.kind === 'word' && token.text.toLowerCase() === word;

/** Split at the `and`s that stand in no brackets and no quotes; a filter with an outer `or` is one clause. */
export function splitClauses(text: string): string[] {
  if (hasOuter(text, 'or')) return [text.trim()];
  const clauses: string[] = [];
  let start = 0;
  for (const token of outerWords(text, 'and')) {
    clauses.push(text.slice(start, token.start).trim());
    start = token.end;
  }
  clauses.push(text.slice(start).trim());
  return clauses.filter(Boolean);
}

function outerWords(text: string, word: string): Token[] {
  let depth = 0;
  return readTokens(text).filter((token) => {
    if (token.text === '(') depth += 1;
    if (token.text === ')') depth -= 1;
    return depth === 0 && isWord(token, word);
  });
}

const hasOuter = (text: string, word: string) => outerWords(text, word).length > 0;

/** Put clauses together; one with an outer `or` gets brackets where others stand beside it. */
export function joinClauses(clauses: readonly string[]): string {
  const kept = clauses.map((clause) => clause.trim()).filter(Boolean);
  if (kept.length < 2) return kept[0] ?? '';
  return kept.map((clause) => (hasOuter(clause, 'or') ? `(${clause})` : clause)).join(' and ');
}

const verbs: Record<string, string> = { '=': 'is', '==': 'is', '!=': 'is not', '<>': 'is not', '>': 'above', '>=': 'at least', '<': 'below', '<=': 'at most', '~': 'contains', like: 'like' };

/** Say a clause as key, verb and value; what is no plain condition stays as typed. */
export function describeClause(clause: string): [string, string, string] {
  const [key, operator, ...rest] = readTokens(clause);
  const asTyped: [string, string, string] = ['', '', clause];
  if (!key || key.kind !== 'word' || isWord(key, 'not') || !operator) return asTyped;
  // Said, because the column of the same name shows how a run did at its best.
  const name = shortKey(key.text) + (isMetricsLast(key.text) ? ' last' : '');
  const values = rest.filter((token) => token.kind !== 'mark').map((token) => unquote(token.text));
  if (isWord(operator, 'is')) return [name, values[0] === 'not' ? 'has' : 'is', values[0] === 'not' ? `a ${values[1] === 'nan' ? 'number' : 'value'}` : values[0] === 'null' ? 'missing' : 'NaN'];
  if (isWord(operator, 'in')) return [name, 'is', values.join(' or ')];
  if (isWord(operator, 'not')) return [name, 'is not', values.slice(1).join(' or ')];
  const verb = verbs[operator.text.toLowerCase()];
  return verb && values.length === 1 ? [name, verb, values[0] ?? ''] : asTyped;
}

const summary = /\.(last|min|max|first|mean|n|best)$/;
const isMetricsLast = (key: string) => /^metrics\../.test(key) && !summary.test(key);

/** Leave out the family and say the summary last: `metrics.val/acc.max` is `val/acc max`. */
export function shortKey(key: string): string {
  const match = /^(?:metrics|params|env|code|data)\.(.+)$/.exec(key);
  if (!match?.[1]) return key;
  return key.startsWith('metrics.') ? match[1].replace(summary, ' $1') : match[1];
}

function unquote(text: string): string {
  const quote = text.charAt(0);
  if (quote !== '"' && quote !== "'") return text;
  return text.slice(1, -1).replaceAll(quote + quote, quote);
}

/** Make the clause that picks one or more values of a facet. */
export function clauseFor(key: string, values: readonly string[]): string {
  const printed = values.map((value) => (/^-?\d+(\.\d+)?([eE][-+]?\d+)?$|^(true|false)$/.test(value) && key.startsWith('params.') ? value : quoteText(value)));
  return printed.length === 1 ? `${key} = ${printed[0]}` : `${key} in (${printed.join(', ')})`;
}
