// Opens NAME.html in Chromium and uses it as a person does:
//   node check.mjs CHROMIUM WEFT MODEL NAME...
// Fails where a page asks for anything, complains on the console, takes 2 seconds to open, is wider
// than its window, breaks a rule of accessibility that axe-core calls serious, or does not do what
// is asked of it. The first one is MODEL's, which is served too by the command WEFT, and has to explain
// an example. Leaves NAME-WIDTH-THEME.png.

import { resolve } from 'node:path';
import { chromium } from 'playwright-core';
import { checkHostileNames } from './hostile.mjs';
import { checkServed, checkServerTroubles } from './serve.mjs';
import { checkAccessibility, checkWidth, expect, expectEqual, open, scrollThrough } from './page.mjs';

const MOST_SECONDS = 2;
const [executablePath, weft, model, ...names] = process.argv.slice(2);

const nodesOf = (page) => page.evaluate(() => data('graph-run').nodes.map((n) => n.name));
const panelTitle = (page) => page.locator('.panel h3').textContent();

// A click on a node opens it, and its histogram is drawn.
async function checkClick(page) {
  await page.locator('.canvas').scrollIntoViewIfNeeded();
  const { name, x, y } = await page.evaluate(() => {
    const canvas = document.querySelector('.canvas').getBoundingClientRect();
    for (const group of document.querySelectorAll('.canvas g.node:not(.selected)')) {
      const box = group.getBoundingClientRect();
      const x = box.x + box.width / 2, y = box.y + box.height / 2;
      const isSeen = document.elementFromPoint(x, y)?.closest('g.node') === group;
      if (isSeen && x < canvas.right) return { name: group.dataset.node, x, y };
    }
    return {};
  });
  expect(name !== undefined, 'no node is seen');
  await page.mouse.click(x, y);
  expectEqual(await panelTitle(page), name, 'the panel of the node that was clicked');
}

async function checkSearch(page) {
  await page.locator('h1').click();
  await page.keyboard.press('/');
  await page.keyboard.type('conv');
  const found = page.locator('#graph-results button');
  expect(await found.count() > 0, 'the search for conv finds nothing');
  const wanted = await page.evaluate(() => data('graph-run').nodes.find(
    (n) => n.name.toLowerCase().includes('conv') || n.op.toLowerCase().includes('conv')).name);
  await page.keyboard.press('Enter');
  expectEqual(await panelTitle(page), wanted, 'the first node found');
  // A chart is drawn once the browser has told its width.
  await page.locator('.panel .histogram rect').first().waitFor({ timeout: 5000 });
  expect(await page.locator('.panel', { hasText: 'Kernel and time' }).count() === 1, 'no kernel');
  await page.locator('#graph-search').fill('');
}

// By keyboard alone: along an edge, open, close.
async function checkKeys(page) {
  const names = await nodesOf(page);
  await page.locator('.canvas').focus();
  await page.evaluate((name) => graphPane.choose(name), names[0]);
  await page.keyboard.press('ArrowDown');
  const next = await page.evaluate(() => graphPane.name);
  expect(next !== names[0], 'the arrow does not go on');
  await page.keyboard.press('Enter');
  expectEqual(await panelTitle(page), next, 'the panel by Enter');
  await page.keyboard.press('Escape');
  expect(await page.locator('.panel').isHidden(), 'Escape does not close the panel');
  expect(await page.evaluate(() => document.activeElement.matches('.canvas')), 'the focus is lost');
  await changesView(page, () => page.keyboard.press('+'));
  await changesView(page, () => page.keyboard.press('Shift+ArrowDown'));
  await changesView(page, () => page.keyboard.press('0'));
}

// The part of the graph that is seen becomes another.
async function changesView(page, act) {
  const canvas = page.locator('.canvas > svg');
  const before = await canvas.getAttribute('viewBox');
  await act();
  await page.waitForFunction(
    (b) => document.querySelector('.canvas > svg').getAttribute('viewBox') !== b, before);
}

// By the mouse: the wheel once the graph has the focus, dragging, the buttons.
async function checkMouse(page) {
  await page.locator('.canvas').focus();
  const box = await page.locator('.canvas').boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await changesView(page, () => page.mouse.wheel(0, -200));
  await changesView(page, async () => {
    await page.mouse.down();
    await page.mouse.move(box.x + box.width / 2 + 40, box.y + box.height / 2 + 30);
    await page.mouse.up();
  });
  await changesView(page, () => page.getByRole('button', { name: 'Zoom in' }).click());
}

async function checkTheme(page) {
  const theme = () => page.evaluate(() => document.documentElement.dataset.theme);
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const was = await theme(), color = await background();
  await page.locator('#theme').click();
  expect(await theme() !== was && await background() !== color, 'the theme stays');
}

// The theme that was chosen last time stays when the system's changes, and where none was it follows.
async function checkStoredTheme(browser, file) {
  const { page, context } = await open(browser, file, 1440, 'light');
  const theme = () => page.evaluate(() => document.documentElement.dataset.theme);
  // Until the page has heard of it, which is when it is next drawn; its own listener comes first.
  const changeSystem = async (colorScheme) => {
    await page.evaluate(() => {
      window.system = matchMedia('(prefers-color-scheme: dark)');
      window.heard = new Promise((done) => {
        window.system.addEventListener('change', done, { once: true });
      }).then(() => true);
    });
    await page.emulateMedia({ colorScheme });
    await page.evaluate(() => window.heard);
  };
  await changeSystem('dark');
  expectEqual(await theme(), 'dark', "the system's theme");
  await changeSystem('light');
  await page.locator('#theme').click();
  await page.reload();
  expectEqual(await theme(), 'dark', 'the theme that was chosen');
  await changeSystem('dark');
  await changeSystem('light');
  expectEqual(await theme(), 'dark', "the chosen theme after the system's");
  await context.close();
  console.log('ok theme');
}

async function checkViews(page) {
  const drawn = () => page.locator('.canvas g.node[data-node]').count();
  const run = await drawn();
  await page.getByRole('button', { name: 'As it was built' }).click();
  expect(await drawn() >= run, 'the graph as it was built has fewer nodes');
  await page.getByRole('button', { name: 'As it runs' }).click();
  expectEqual(await drawn(), run, 'nodes of the graph that runs');
}

// Of the whole page in a window as high as it: what is out of sight is not drawn.
async function takePicture(page, width, path) {
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  await page.setViewportSize({ width, height: Math.min(height, 16000) });
  await page.screenshot({ path });
  await page.setViewportSize({ width, height: 900 });
}

async function check(browser, name, size, colorScheme) {
  const { page, context, troubles, seconds } =
    await open(browser, resolve(`${name}.html`), size, colorScheme);
  expect(seconds < MOST_SECONDS, `opens in ${seconds.toFixed(2)} s`);
  await scrollThrough(page);
  await checkWidth(page, size);
  const drawn = await page.locator('.canvas g.node[data-node]').count();
  expectEqual(drawn, (await nodesOf(page)).length, 'nodes in the drawing');
  await checkSearch(page);
  await checkClick(page);
  const notes = await checkAccessibility(page, colorScheme);
  await takePicture(page, size, `${name}-${size}-${colorScheme}.png`);
  await checkKeys(page);
  await checkMouse(page);
  await checkViews(page);
  await checkTheme(page);
  await checkAccessibility(page, `not ${colorScheme}`);
  expect(troubles.length === 0, troubles.join('\n'));
  await context.close();
  console.log(`ok ${name} ${size} px ${colorScheme}: ${drawn} nodes, opens in ${
    seconds.toFixed(2)} s${notes.length ? `, axe notes ${notes.join(', ')}` : ''}`);
}

const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
let failures = 0;
async function attempt(what, how, run) {
  try {
    await run();
  } catch (error) {
    failures += 1;
    console.log(`FAIL ${what} ${how}: ${error.message}`);
  }
}
for (const [size, colorScheme] of [[390, 'dark'], [1440, 'light']]) {
  const how = `${size} px ${colorScheme}`;
  for (const name of names) {
    await attempt(name, how, () => check(browser, name, size, colorScheme));
  }
  await attempt('served', how, () => checkServed(browser, weft, model, `${names[0]}.html`, size,
                                                 colorScheme));
  await attempt('server in trouble', how, () => checkServerTroubles(browser, `${names[0]}.html`, size,
                                                                    colorScheme));
}
await attempt('hostile names', '', () => checkHostileNames(browser, weft));
await attempt('theme', '', () => checkStoredTheme(browser, resolve(`${names[0]}.html`)));
await browser.close();
process.exit(failures === 0 ? 0 : 1);
