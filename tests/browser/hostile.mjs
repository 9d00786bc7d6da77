// A report of a network whose names would be markup, were they not text: an ONNX file of the form
// https://github.com/onnx/onnx/blob/main/onnx/onnx.proto, which weft itself reads.

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { expect, expectEqual, scrollThrough, watch } from './page.mjs';

const HOSTILE = '"><img src=x onerror=alert(1)></script><script>alert(2)</script>\'&amp;\n';
const hostile = (name) => HOSTILE + name;

// Protocol buffers: fields of whole numbers below 128, and of bytes.
const int = (field, value) => Buffer.from([field << 3, value]);
function bytes(field, content) {
  const data = Buffer.from(content);
  return Buffer.concat([Buffer.from([field << 3 | 2, data.length & 127 | 128, data.length >> 7]), data]);
}
const message = (field, ...parts) => bytes(field, Buffer.concat(parts));

const node = (op, inputs, output) => message(1, ...inputs.map((i) => bytes(1, hostile(i))),
  bytes(2, hostile(output)), bytes(3, hostile(output)), bytes(4, op));
const tensorType = (field, name, dims) => message(field, bytes(1, hostile(name)),
  message(2, message(1, int(1, 1), message(2, ...dims.map((d) => message(1, int(1, d)))))));

// scores = flatten(pool(relu(conv(x, w)))), whose two kernels of 3x3 are all zeros.
function hostileModel() {
  const graph = message(7,
    node('Conv', ['x', 'w'], 'conv'), node('Relu', ['conv'], 'relu'),
    node('GlobalAveragePool', ['relu'], 'pool'), node('Flatten', ['pool'], 'scores'),
    bytes(2, hostile('graph')),
    message(5, int(1, 2), int(1, 1), int(1, 3), int(1, 3), int(2, 1), bytes(8, hostile('w')),
            bytes(9, Buffer.alloc(2 * 9 * 4))),
    tensorType(11, 'x', [1, 1, 8, 8]), tensorType(12, 'scores', [1, 2]));
  return Buffer.concat([int(1, 8), graph, message(8, int(2, 13))]);
}

// Writes the model and its report into this folder, and uses the report.
export async function checkHostileNames(browser, weft) {
  writeFileSync('hostile.onnx', hostileModel());
  execFileSync(weft, ['report', 'hostile.onnx', '--seconds', '0.01', '-o', 'hostile.html']);
  const { page, context, troubles } =
    await watch(browser, pathToFileURL('hostile.html').href, 1440, 'light');
  await scrollThrough(page);
  expectEqual(await page.locator('.canvas g.node[data-node]').count(),
              await page.evaluate(() => graphPane.groups.size), 'nodes in the drawing');
  for (const view of ['As it runs', 'As it was built']) {
    await page.getByRole('button', { name: view }).click();
    await page.locator('#graph-search').fill('onerror');
    await page.keyboard.press('Enter');
    expect((await page.locator('.panel h3').textContent()).startsWith(HOSTILE.trimEnd()),
           'the name is not in the panel');
    expectEqual(await page.evaluate(() => graphPane.groups.has(graphPane.name)), true,
                'the node is found in the drawing');
  }
  await page.evaluate(() => {
    for (const details of document.querySelectorAll('details')) details.open = true;
  });
  await scrollThrough(page);
  expectEqual(await page.locator('img[src="x"]').count(), 0, 'pictures that names made');
  expect(troubles.length === 0, troubles.join('\n'));
  await context.close();
  console.log('ok hostile names');
}
