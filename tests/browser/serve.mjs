// The page of `weft serve`, in front of that and of a server that answers what a test wants: of a
// report that explains an example, the page's data and policy become those of a served one.

import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import { checkAccessibility, checkWidth, expect, expectEqual, scrollThrough,
         watch } from './page.mjs';

const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==',
  'base64');

// A section's data of a report.
function section(file, name) {
  const html = readFileSync(file, 'utf8');
  const begin = `id="json-${name}">`;
  const from = html.indexOf(begin) + begin.length;
  return JSON.parse(html.slice(from, html.indexOf('</script>', from)));
}

function served(file) {
  const page = readFileSync(file, 'utf8').replace(/<script[^>]*id="json-example">.*?<\/script>/s, '')
    .replace('"serve":false', '"serve":true').replace("form-action 'none'",
                                                      "form-action 'none'; connect-src 'self'");
  return { page, example: section(file, 'example') };
}

// Gives the page to GET; to all else what answer() says, [status, text], after adding what was asked
// to `asked`; the text null does not come.
async function startServer(page, asked, answer) {
  const server = createServer((request, response) => {
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => {
      if (request.method === 'GET') {
        response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
        response.end(page);
        return;
      }
      asked.push({ url: request.url, method: request.method, body: Buffer.concat(parts) });
      const [status, text] = answer();
      response.writeHead(status, { 'content-type': 'application/json' });
      if (text === null) response.flushHeaders();
      else response.end(text);
    });
  });
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
  return server;
}

// Of the page's own troubles; the browser itself says of an answer 400 that it came.
function expectNone(troubles, url) {
  const unexpected = troubles.filter((t) => !t.includes('status of 400') && !t.includes(url));
  expect(unexpected.length === 0, unexpected.join('\n'));
}

const statusOf = (page) => page.locator('#example .status').textContent();
const isAnswered = (page) => page.waitForFunction(
  () => document.querySelector('#example .status').textContent === '');

// A picture that is dropped onto the page.
const drop = (page, content) => page.evaluate((bytes) => {
  const files = new DataTransfer();
  files.items.add(new File([new Uint8Array(bytes)], 'drop.png', { type: 'image/png' }));
  document.dispatchEvent(new DragEvent('drop', { dataTransfer: files, cancelable: true }));
}, [...content]);

// Starts `weft serve` at a free port; its address once it says it.
async function startWeft(weft, model) {
  const server = spawn(weft, ['serve', model, '--port', '0'], { stdio: ['ignore', 'pipe', 'ignore'] });
  let said = '';
  for await (const part of server.stdout) {
    said += part;
    const url = said.match(/http:\/\/127\.0\.0\.1:\d+\//)?.[0];
    if (url) return { server, url };
  }
  throw new Error(`weft serve said no address: ${said}`);
}

// The page of `weft serve` explains a digit of the report `file` as that report does.
export async function checkServed(browser, weft, model, file, size, colorScheme) {
  const mistake = section(file, 'evaluation').mistakes[0];
  const digit = Buffer.from(mistake.picture.split(',')[1], 'base64');
  const { server, url } = await startWeft(weft, model);
  try {
    const { page, context, troubles } = await watch(browser, url, size, colorScheme);
    await page.setInputFiles('#file', { name: 'mine.png', mimeType: 'image/png', buffer: digit });
    await page.locator('#example .example figure img').waitFor();
    expectEqual(await page.locator('#example .example figcaption').textContent(), 'mine.png', 'name');
    expect((await page.locator('#example .example').textContent())
             .includes(`The model takes it for ${mistake.predicted}.`), 'what it is taken for');
    const quick = await page.locator('#example .tiles figure').count();
    expect(quick > 0, 'no attributions');
    await page.selectOption('#class', String(mistake.label));
    await page.waitForFunction(({ label, quick }) => [...document.querySelectorAll(
      '#example .tiles figcaption')].filter((f) => f.textContent.includes(`For ${label}, score`))
      .length === quick, { label: mistake.label, quick });
    await page.locator('#all').check();
    await page.waitForFunction(
      (quick) => document.querySelectorAll('#example .tiles figure').length > quick, quick);
    await scrollThrough(page);
    await checkWidth(page, size);
    await checkAccessibility(page, 'served');
    await page.screenshot({ path: `serve-${size}-${colorScheme}.png` });
    await drop(page, Buffer.from('no picture'));
    await page.locator('#example .status.error').waitFor();
    expect((await statusOf(page)).startsWith('picture: '), `the error: ${await statusOf(page)}`);
    expectNone(troubles, url);
    await context.close();
  } finally {
    server.kill();
  }
  console.log(`ok served ${size} px ${colorScheme}`);
}

// What the page says where a server answers what `weft serve` does not at will.
export async function checkServerTroubles(browser, file, size, colorScheme) {
  const { page: html, example } = served(file);
  const asked = [];
  let answer = [200, JSON.stringify({ ...example, name: '' })];
  const server = await startServer(html, asked, () => answer);
  const url = `http://127.0.0.1:${server.address().port}/`;
  const { page, context, troubles } = await watch(browser, url, size, colorScheme);
  const picture = { name: 'mine.png', mimeType: 'image/png', buffer: PNG };

  await page.setInputFiles('#file', picture);
  await page.locator('#example figure img').first().waitFor();
  expectEqual(asked[0].url, '/api/example', 'what is asked');
  expect(asked[0].body.equals(PNG), 'the body is not the file');
  await page.selectOption('#class', '2');
  await isAnswered(page);
  expectEqual(asked[1].url, '/api/example?class=2', 'what is asked of another class');

  // An answer that is still coming when a newer one is asked for is no error.
  const good = answer;
  answer = [200, null];
  const begun = page.waitForResponse(/api/);
  await page.selectOption('#class', '3');
  await begun;
  answer = good;
  await page.selectOption('#class', '4');
  await isAnswered(page);
  expectEqual(await page.locator('#example .status.error').count(), 0, 'errors of an older request');

  answer = [400, JSON.stringify({ error: 'mine.png: <b>no</b> picture' })];
  await drop(page, PNG);
  await page.locator('#example .status.error').waitFor();
  expectEqual(await statusOf(page), 'mine.png: <b>no</b> picture', 'the error that is shown');
  await checkWidth(page, size);
  await checkAccessibility(page, 'server in trouble');
  expectNone(troubles, url);
  await context.close();
  server.close();
  console.log(`ok server in trouble ${size} px ${colorScheme}`);
}
