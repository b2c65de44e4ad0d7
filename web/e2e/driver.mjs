// A real browser for tests and benches written in Python (src/everbloom/testing/browser.py): one JSON line a question on
// standard input, one JSON line an answer. Whoever asks says what of Playwright to call, so this file knows no page. Every
// page counts from its first moment what tests hold: requests, what is drawn on each canvas, long tasks, problems.
// Run as: node driver.mjs CHROMIUM [--host-resolver-rules=… and other flags of Chromium]
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';
import { countWork } from './counts.mjs';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const PATIENCE_MS = 30_000;
const SOON_MS = 1_000;
/** No question takes longer, a script of the page that never ends included. */
const MOST_MS = 60_000;
const [executablePath, ...flags] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const browser = await chromium.launch({ executablePath, headless: true, args: [...FLAGS, ...flags] });
const contexts = new Map();
const tabs = new Map();

const actions = {
  /** Open a tab; tabs with one `context` share cookies, storage and live news, as tabs of one browser do. */
  async open({ context, options }) {
    const own = contexts.get(context) ?? (await browser.newContext(options));
    contexts.set(context, own);
    own.setDefaultTimeout(PATIENCE_MS);
    const page = await own.newPage();
    const tab = { page, context, problems: [], requests: [], bodies: [] };
    tabs.set(tabs.size, tab);
    await page.addInitScript(countWork);
    watch(tab);
    return tabs.size - 1;
  },
  /** Walk from the page through calls, as in [["getByRole", "link", {name: "x"}], ["click"]], and give the last one's answer. */
  async call({ tab, calls }) {
    let target = find(tab).page;
    for (const [name, ...given] of calls) {
      target = name in target && typeof target[name] !== 'function' ? target[name] : await target[name](...given.map(revive));
    }
    if (Buffer.isBuffer(target)) return createHash('sha256').update(target).digest('hex');
    return isPlain(target) ? target : null;
  },
  /** Wait until an expression of the page is true, looked at each 50 ms; gives its value. */
  async until({ tab, expression }) {
    const { page } = find(tab);
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const value = await page.evaluate(expression);
      if (value) return value;
      if (Date.now() > deadline) throw new Error(`waited ${PATIENCE_MS / 1000} s in vain for: ${expression}`);
      await page.waitForTimeout(50);
    }
  },
  /** Wait until all that a tab asked for is answered, the stream of news apart, and nothing more was asked for a while. */
  async settle({ tab, quietMs }) {
    const own = find(tab);
    let seen = -1;
    while (seen !== own.requests.length) {
      seen = own.requests.length;
      await Promise.allSettled(own.bodies);
      await own.page.waitForTimeout(quietMs);
    }
  },
  /** Tell what a tab asked for and what went wrong in it, since it was opened. */
  async report({ tab }) {
    const { problems, requests } = find(tab);
    // What is being answered is told whole; what is still waited for is not waited for here.
    await Promise.race([Promise.allSettled(find(tab).bodies), find(tab).page.waitForTimeout(SOON_MS)]);
    return { problems, requests: requests.map(({ request, ...told }) => told) };
  },
  /** Give one answer's body, by its place in the list of requests. */
  async body({ tab, at }) {
    const answer = await find(tab).requests[at].request.response();
    return (await answer.body()).toString('base64');
  },
  /** Let requests to a pattern fail, answer otherwise, or wait until `release`; null ends it. */
  async disturb({ tab, pattern, answer }) {
    const { page } = find(tab);
    await page.unroute(pattern);
    if (answer === null) return;
    await page.route(pattern, (route) => (answer.abort ? route.abort(answer.abort) : route.fulfill(answer)));
  },
  async violations({ tab }) {
    const { page } = find(tab);
    await page.evaluate(comeToRest);
    // The debugger's own evaluation, so that the page's policy stays as it is.
    if (await page.evaluate(() => !('axe' in globalThis))) await page.evaluate(axe);
    const found = await page.evaluate(() => globalThis.axe.run({ resultTypes: ['violations'] }));
    return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).slice(0, 3).join(' | ')}`);
  },
  /** Measure with the browser's own counters: script and style time, heap after a collection, nodes. */
  async metrics({ tab, collect }) {
    const own = find(tab);
    own.debug ??= await own.page.context().newCDPSession(own.page);
    // The thread's own clock: on a busy machine, waiting for the processor is nobody's script.
    await own.debug.send('Performance.enable', { timeDomain: 'threadTicks' });
    if (collect) await own.debug.send('HeapProfiler.collectGarbage');
    const { metrics } = await own.debug.send('Performance.getMetrics');
    return Object.fromEntries(metrics.map(({ name, value }) => [name, value]));
  },
  async close({ context }) {
    await contexts.get(context)?.close();
    contexts.delete(context);
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { do: name, ...given } = JSON.parse(line);
  let answer;
  try {
    answer = { ok: true, value: (await inTime(actions[name](given), name)) ?? null };
  } catch (error) {
    answer = { ok: false, message: `${error?.message ?? error}${await describe(given.tab)}` };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await browser.close();

/** What a tab shows and what it was answered, for whoever reads of a failure on a machine that cannot be looked at. */
async function describe(tab) {
  const own = tabs.get(tab);
  if (own === undefined) return '';
  const seen = await inTime(own.page.evaluate(() => document.body.innerText.slice(0, 2000)), 'the look at the page').catch((error) => `(${error.message})`);
  const asked = own.requests.filter(({ url, status }) => url.includes('/api/') || status !== 200).slice(-15).map(({ method, url, status }) => `  ${status} ${method} ${url.slice(0, 300)}`);
  return `\nThe page is at ${own.page.url()}, and says:\n${seen}\nOf the server it asked last, with 0 for what is not answered:\n${asked.join('\n')}\nProblems: ${JSON.stringify(own.problems)}`;
}

function inTime(work, name) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${name} did not end within ${MOST_MS / 1000} s`)), MOST_MS);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

function find(tab) {
  const found = tabs.get(tab);
  if (found === undefined) throw new Error(`there is no tab ${tab}`);
  return found;
}

/** A pattern travels as {"pattern": source, "flags": flags}. */
function revive(value) {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  if (typeof value.pattern === 'string') return new RegExp(value.pattern, value.flags ?? '');
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, revive(inner)]));
}

/** Two frames for what was just asked for to begin, then the end of all that moves or fades and ends by itself. */
async function comeToRest() {
  for (let frame = 0; frame < 2; frame += 1) await new Promise(requestAnimationFrame);
  const ending = document.getAnimations().filter((one) => one.effect?.getComputedTiming().endTime !== Infinity);
  await Promise.allSettled(ending.map((one) => one.finished));
}

function isPlain(value) {
  if (Array.isArray(value)) return value.every(isPlain);
  return value === null || ['string', 'number', 'boolean'].includes(typeof value) || Object.getPrototypeOf(value ?? {}) === Object.prototype;
}

function watch(tab) {
  const { page, problems, requests, bodies } = tab;
  page.on('pageerror', (error) => problems.push(String(error.message)));
  page.on('console', (message) => message.type() === 'error' && problems.push(`${message.text()} ${message.location().url}`));
  page.on('dialog', (dialog) => {
    problems.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => {
    const told = { url: request.url(), method: request.method(), kind: request.resourceType(), sent: request.postData(), status: 0, bytes: 0, request };
    requests.push(told);
    if (told.kind === 'eventsource') return;
    bodies.push(
      request.response().then(async (response) => {
        if (response === null) return;
        told.status = response.status();
        told.bytes = (await request.sizes()).responseBodySize;
      }).catch(() => {}), // it failed, which the page tells
    );
  });
}
