// A report of a network whose nodes have names that would be markup, were they not text.

import { readFileSync, writeFileSync } from 'node:fs';
import { expect, expectEqual, open, scrollThrough } from './page.mjs';

const HOSTILE = '"><img src=x onerror=alert(1)></script><script>alert(2)</script>\'&amp;';
const escaped = (text) => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

// Every text in it that has `name` gets HOSTILE instead; in a drawing, which is XML, escaped.
function rename(value, name, isXml = false) {
  if (typeof value === 'string') return value.replaceAll(name, isXml ? escaped(HOSTILE) : HOSTILE);
  if (Array.isArray(value)) return value.map((v) => rename(v, name));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, v]) => [key, rename(v, name, key === 'svg')]));
}

// Writes the report `from` to the file `to` with a node of its own called HOSTILE, and uses it.
export async function checkHostileNames(browser, from, to) {
  const data = /(<script type="application\/json"[^>]*>)(.*?)(<\/script>)/gs;
  const name = 'block1.conv';
  const html = readFileSync(from, 'utf8').replace(data, (_, begin, json, end) => begin +
    JSON.stringify(rename(JSON.parse(json), name)).replaceAll('<', '\\u003c') + end);
  expect(html.includes('onerror'), `${from} has no node ${name}`);
  writeFileSync(to, html);
  const { page, context, troubles } = await open(browser, to, 1440, 'light');
  page.on('dialog', (dialog) => {
    troubles.push(`a name became a program: ${dialog.message()}`);
    dialog.dismiss();
  });
  await scrollThrough(page);
  await page.locator('#graph-search').fill('onerror');
  await page.keyboard.press('Enter');
  expectEqual(await page.locator('.panel h3').textContent(), HOSTILE, 'the name in the panel');
  await page.evaluate(() => {
    for (const details of document.querySelectorAll('details')) details.open = true;
  });
  await scrollThrough(page);
  expectEqual(await page.locator('img[src="x"]').count(), 0, 'pictures that names made');
  expect(troubles.length === 0, troubles.join('\n'));
  await context.close();
  console.log('ok hostile names');
}
