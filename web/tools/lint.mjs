// The rules of the web app that a compiler does not hold: layers, no casts, no {@html}, one fetch, sizes.
// Reads every source file once; prints `file:line rule` and fails when there is one.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const source = fileURLToPath(new URL('../src', import.meta.url));
const layers = [['app'], ['features'], ['charts', 'ui', 'state', 'api'], ['domain']];
// state/ and api/ may read each other's types; charts/ and ui/ may use ui/.
const sideways = { charts: ['ui'], api: ['state'], state: [] };
const componentLines = 150;
const moduleLines = 300;

const rank = (layer) => layers.findIndex((group) => group.includes(layer));

function* walk(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* walk(path);
    else if (/\.(ts|svelte)$/.test(entry.name)) yield path;
  }
}

const parts = (path) => relative(source, path).split('/');

function layerProblem(path, target) {
  const [from, fromFeature] = parts(path);
  const [to, toFeature] = parts(target);
  if (from === to) {
    return from === 'features' && fromFeature !== toFeature ? `features/${fromFeature} imports features/${toFeature}` : null;
  }
  if (rank(to) < 0) return `unknown layer ${to}`;
  if (rank(from) < rank(to)) return null;
  return (sideways[from] ?? []).includes(to) ? null : `${from}/ imports ${to}/`;
}

function importProblems(path, text) {
  const problems = [];
  for (const match of text.matchAll(/(?:from|import)\s*\(?\s*['"]((?:@|\.{1,2})\/[^'"]+)['"]/g)) {
    const spec = match[1];
    const target = spec.startsWith('@/') ? join(source, spec.slice(2)) : resolve(dirname(path), spec);
    const problem = layerProblem(path, target);
    if (problem) problems.push([match.index, problem]);
  }
  return problems;
}

const bans = [
  [/\{@html\b/g, 'text is shown as text, never as HTML'],
  [/\bas (?!const\b)[A-Z{(][\w<>[\]]*[;,)\s]/g, 'a cast; parse or narrow instead'],
  [/(?::|<|\bas)\s*any\b/g, 'any'],
  [/@ts-(?:ignore|expect-error|nocheck)/g, 'the type checker is not silenced'],
  [/style="[^"{]+"/g, 'an inline style; the content security policy forbids it'],
  [/\bTODO\b/g, 'an open end'],
];

function problemsOf(path) {
  const text = readFileSync(path, 'utf8');
  const name = relative(source, path);
  if (name.endsWith('.gen.ts')) return [];
  const isTest = name.endsWith('.test.ts');
  const code = text.replace(/<!--[\s\S]*?-->|\/\*[\s\S]*?\*\/|^\s*\/\/.*$|(?<=[;{}\s])\/\/ .*$/gm, (comment) => comment.replace(/[^\n]/g, ' ')).replace(/\{#each [^\n]*? as /g, (head) => ' '.repeat(head.length));
  const found = importProblems(path, code);
  for (const [pattern, rule] of bans) for (const match of code.matchAll(pattern)) found.push([match.index, rule]);
  if (!isTest && name !== 'api/client.ts') for (const match of code.matchAll(/(?<![#.\w])fetch\(/g)) found.push([match.index, 'api/client.ts is the only fetch']);
  const lines = text.split('\n').length;
  const limit = name.endsWith('.svelte') ? componentLines : moduleLines;
  if (!isTest && lines > limit + 1) found.push([text.length, `${lines} lines; at most ${limit}`]);
  return found.map(([index, rule]) => `src/${name}:${text.slice(0, index).split('\n').length} ${rule}`);
}

const problems = [...walk(source)].flatMap(problemsOf);
for (const problem of problems) console.error(problem);
process.exitCode = problems.length ? 1 : 0;
