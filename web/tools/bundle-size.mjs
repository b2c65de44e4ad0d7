// Holds the budgets of the first load: gzipped JavaScript and CSS that a runs page needs before it can paint, and the
// fonts. Reads Vite's manifest; a chunk counts once however many others import it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const built = fileURLToPath(new URL('../../src/everbloom/api/static', import.meta.url));
const manifest = JSON.parse(readFileSync(join(built, 'assets/manifest.json'), 'utf8'));
const budgets = { js: 75, css: 12, fonts: 60, route: 40 };

const bytes = (file) => readFileSync(join(built, file));
const gzKb = (files) => [...files].reduce((sum, file) => sum + gzipSync(bytes(file), { level: 9 }).length, 0) / 1024;

function closure(keys, seen = new Set()) {
  for (const key of keys) {
    if (seen.has(key)) continue;
    seen.add(key);
    closure(manifest[key].imports ?? [], seen);
  }
  return seen;
}

const files = (keys) => new Set([...keys].map((key) => manifest[key].file));
const styles = (keys) => new Set([...keys].flatMap((key) => manifest[key].css ?? []));

const entry = closure(Object.keys(manifest).filter((key) => manifest[key].isEntry));
const routes = Object.keys(manifest).filter((key) => manifest[key].isDynamicEntry && /Page\.svelte$/.test(key));
const first = new Set(entry);
closure(routes.filter((key) => /runs-table\/.*Page/.test(key)), first);
const fonts = Object.values(manifest).map((chunk) => chunk.file).filter((file) => file.endsWith('.woff2'));

const rows = [
  ['first load, JavaScript', gzKb(files(first)), budgets.js],
  ['first load, CSS', gzKb(styles(first)), budgets.css],
  ['fonts', fonts.reduce((sum, file) => sum + bytes(file).length, 0) / 1024, budgets.fonts],
];
for (const key of routes) {
  const own = [...files(closure([key]))].filter((file) => !files(entry).has(file));
  rows.push([key.replace('src/features/', 'route '), gzKb(own), budgets.route]);
}
for (const [name, size, budget] of rows) {
  const over = size > budget;
  console.log(`${over ? 'OVER ' : 'ok   '}${name.padEnd(44)}${size.toFixed(1).padStart(7)} KB of ${budget}`);
  if (over) process.exitCode = 1;
}
