// The page as `weft serve` has it, in front of a server that answers as that one does: of a report
// that explains an example, the page's data and policy become those of a served one.

import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import { checkAccessibility, checkWidth, expect, expectEqual, watch } from './page.mjs';

const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==',
  'base64');

function served(file) {
  const html = readFileSync(file, 'utf8');
  const begin = 'id="json-example">';
  const from = html.indexOf(begin) + begin.length;
  const example = html.slice(from, html.indexOf('</script>', from));
  const page = html.replace(/<script[^>]*id="json-example">.*?<\/script>/s, '')
    .replace('"serve":false', '"serve":true').replace("form-action 'none'",
                                                      "form-action 'none'; connect-src 'self'");
  return { page, example: JSON.parse(example) };
}

// Gives the page to GET; to all else what answer() says, after adding what was asked to `asked`.
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
      response.end(text);
    });
  });
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
  return server;
}

export async function checkServed(browser, file, size, colorScheme) {
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
  expectEqual(await page.locator('#example .example figcaption').textContent(), 'mine.png', 'name');
  expectEqual(await page.locator('#example .tiles figure').count(), example.attributions.length,
              'attributions');
  await page.selectOption('#class', '2');
  await page.waitForFunction(() => document.querySelector('#example .status').textContent === '');
  expectEqual(asked[1].url, '/api/example?class=2', 'what is asked of another class');

  answer = [400, JSON.stringify({ error: 'mine.png: <b>no</b> picture' })];
  // A picture that is dropped.
  await page.evaluate((bytes) => {
    const files = new DataTransfer();
    files.items.add(new File([new Uint8Array(bytes)], 'drop.png', { type: 'image/png' }));
    document.dispatchEvent(new DragEvent('drop', { dataTransfer: files, cancelable: true }));
  }, [...PNG]);
  await page.locator('#example .status.error').waitFor();
  expectEqual(await page.locator('#example .status').textContent(), 'mine.png: <b>no</b> picture',
              'the error that is shown');
  await checkWidth(page, size);
  await checkAccessibility(page, 'served');
  // The browser itself says of the answer 400 that it came.
  const unexpected = troubles.filter((t) => !t.includes('status of 400') && !t.includes(url));
  expect(unexpected.length === 0, unexpected.join('\n'));
  await page.screenshot({ path: `serve-${size}-${colorScheme}.png` });
  await context.close();
  server.close();
  console.log(`ok served ${size} px ${colorScheme}`);
}
