// Opens pages of a real server in the system's Chromium and tells what was there, as one JSON line.
// Run by tests/e2e/test_web_pages.py: node pages.mjs CHROMIUM LOGIN_URL, steps as JSON on standard input:
// [{path, theme?, width?, wait?: selector, text?: [...], axe?: bool, press?: [keys]}], each answered in order.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const [executablePath, login] = process.argv.slice(2);
const steps = JSON.parse(readFileSync(0, 'utf8'));
const browser = await chromium.launch({ executablePath, headless: true, args: FLAGS });
const answers = [];
try {
  for (const step of steps) {
    answers.push(await answer(step));
  }
} finally {
  await browser.close();
}
console.log(JSON.stringify(answers));

async function answer({ path, theme = 'light', width = 1280, wait = 'main', text = [], check = false, press = [] }) {
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme: theme, bypassCSP: check });
  try {
    const page = await context.newPage();
    const problems = [];
    page.on('pageerror', (error) => problems.push(String(error.message)));
    page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
    page.on('dialog', (dialog) => {
      problems.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    await page.goto(login);
    await page.goto(new URL(path, login).href);
    await page.locator(wait).first().waitFor({ timeout: 30_000 });
    for (const words of text) {
      await page.getByText(words).first().waitFor({ timeout: 30_000 });
    }
    for (const key of press) {
      await page.keyboard.press(key);
    }
    const violations = check ? await findViolations(page) : [];
    return { url: page.url(), problems, violations, body: await page.locator('body').innerText() };
  } finally {
    await context.close();
  }
}

async function findViolations(page) {
  await page.addScriptTag({ content: axe });
  const found = await page.evaluate(() => globalThis.axe.run());
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).slice(0, 3).join(' | ')}`);
}
