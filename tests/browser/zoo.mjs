// Opens the reports of the zoo's networks, one after another:
//   node zoo.mjs CHROMIUM WEFT [NAME...]     (all networks without a name)
// in the folder where run.cmake has installed Playwright. Prints the seconds that each takes to
// open; fails where one takes 2 or complains. Writing the reports takes half an hour.

import { execFileSync } from 'node:child_process';
import { rmSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { chromium } from 'playwright-core';
import { expect, open, scrollThrough } from './page.mjs';

const MOST_SECONDS = 2;
const [executablePath, weft, ...given] = process.argv.slice(2);
const run = (...args) => execFileSync(weft, args, { encoding: 'utf8' });
const listed = () => run('zoo').split('\n').slice(1).map((line) => line.split(' ')[0]);
const names = given.length > 0 ? given : listed().filter((name) => name !== '');

async function check(browser, name) {
  const file = resolve('zoo.html');
  run('report', name, '--seconds', '0.01', '-o', file);
  const { page, context, troubles, seconds } = await open(browser, file, 1440, 'light');
  const nodes = await page.locator('.canvas g.node[data-node]').count();
  const known = await page.evaluate(() => data('graph-run').nodes.length);
  await scrollThrough(page);
  await context.close();
  const size = statSync(file).size;
  rmSync(file);
  console.log(`${name}: ${seconds.toFixed(2)} s, ${nodes} nodes, ${(size / 2 ** 20).toFixed(1)} MiB`);
  expect(nodes === known, `${known} nodes, ${nodes} in the drawing`);
  expect(seconds < MOST_SECONDS, `opens in ${seconds.toFixed(2)} s`);
  expect(troubles.length === 0, troubles.join('\n'));
  return seconds;
}

const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
let failures = 0, slowest = ['', 0];
for (const name of names) {
  try {
    const seconds = await check(browser, name);
    if (seconds > slowest[1]) slowest = [name, seconds];
  } catch (error) {
    failures += 1;
    console.log(`FAIL ${name}: ${error.message}`);
  }
}
await browser.close();
console.log(`${names.length} networks, ${failures} failures; the slowest to open is ${slowest[0]}, ${
  slowest[1].toFixed(2)} s`);
process.exit(failures === 0 ? 0 : 1);
