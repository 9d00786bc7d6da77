// A report open in Chromium, and what must hold for any of them.

import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const MOST_WAITING = 10_000;  // milliseconds

export function expect(condition, what) {
  if (!condition) throw new Error(what);
}

export function expectEqual(actual, expected, what) {
  expect(actual === expected, `${what}: expected ${expected}, got ${actual}`);
}

// Opens an address in a page of its own; what goes wrong in it is kept.
export async function watch(browser, url, size, colorScheme) {
  const context = await browser.newContext({
    viewport: { width: size, height: 900 }, colorScheme, reducedMotion: 'reduce',
    hasTouch: size < 600 });
  const page = await context.newPage();
  page.setDefaultTimeout(MOST_WAITING);
  const troubles = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) troubles.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => troubles.push(`exception: ${error.message}`));
  page.on('request', (request) => {
    if (request.url() !== url && !request.url().startsWith('data:')) {
      troubles.push(`request: ${request.url()}`);
    }
  });
  page.on('dialog', (dialog) => {
    troubles.push(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  const start = performance.now();
  await page.goto(url, { waitUntil: 'load' });
  // Until it answers and has drawn what is seen.
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done))));
  return { page, context, troubles, seconds: (performance.now() - start) / 1000 };
}

export const open = (browser, file, size, colorScheme) =>
  watch(browser, pathToFileURL(file).href, size, colorScheme);

// Scrolls through the page, so that every section is drawn, and back.
export async function scrollThrough(page) {
  await page.evaluate(async () => {
    for (const part of document.querySelectorAll('main > section')) {
      part.scrollIntoView({ behavior: 'instant' });
      await new Promise((done) => requestAnimationFrame(() => setTimeout(done, 30)));
    }
    scrollTo(0, 0);
  });
}

// Nothing is wider than the page.
export async function checkWidth(page, size) {
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  expect(width <= size, `the page is ${width} px wide, the window ${size}`);
}

// The rules of WCAG 2.2 A and AA, among them contrast and labels.
export async function checkAccessibility(page, what) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => axe.run(document, {
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
  const bad = violations.filter((v) => ['serious', 'critical'].includes(v.impact));
  const text = bad.map((v) => `${v.id}: ${v.nodes.slice(0, 3).map((n) => `${n.html.slice(0, 160)} ${
    n.failureSummary}`).join('; ')}`);
  expect(bad.length === 0, `${what}: ${text.join('\n')}`);
  return violations.map((v) => v.id);
}
