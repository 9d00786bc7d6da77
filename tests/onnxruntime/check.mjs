// Runs every FOLDER/NAME/model.onnx in ONNX Runtime and compares its outputs with case.json:
//   node check.mjs FOLDER KNOWN.json
// An output agrees if no element is off by more than 1e-4 of the largest expected magnitude (of
// integers and booleans: not at all). KNOWN.json names the cases, or the ops with all their cases,
// that ONNX Runtime refuses or computes otherwise, and those that would kill the process, which are
// not run. One that agrees all the same is a failure, so that the list stays true. Exit code 1: some
// case is neither right nor known.

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';

const TOLERANCE = 1e-4;

const TYPES = {
  f32: ['float32', Float32Array.from.bind(Float32Array)],
  f64: ['float64', Float64Array.from.bind(Float64Array)],
  i32: ['int32', Int32Array.from.bind(Int32Array)],
  i64: ['int64', (values) => BigInt64Array.from(values, BigInt)],
  u64: ['uint64', (values) => BigUint64Array.from(values, BigInt)],
  u32: ['uint32', Uint32Array.from.bind(Uint32Array)],
  i16: ['int16', Int16Array.from.bind(Int16Array)],
  u16: ['uint16', Uint16Array.from.bind(Uint16Array)],
  i8: ['int8', Int8Array.from.bind(Int8Array)],
  u8: ['uint8', Uint8Array.from.bind(Uint8Array)],
  bool: ['bool', Uint8Array.from.bind(Uint8Array)],
};

function toTensor({ dtype, dims, values }) {
  const [type, convert] = TYPES[dtype];
  return new ort.Tensor(type, convert(values), dims);
}

// The largest difference relative to the largest expected magnitude, or an error.
function compare(name, expected, actual) {
  const [type] = TYPES[expected.dtype];
  const got = `${actual.type}[${actual.dims}]`;
  const wanted = `${type}[${expected.dims}]`;
  if (got !== wanted) throw new Error(`output ${name}: expected ${wanted}, got ${got}`);
  const exact = !expected.dtype.startsWith('f');
  let largest = 0;
  let difference = 0;
  expected.values.forEach((value, i) => {
    const want = Number(value);
    // 64-bit integers are strings: their difference may lie below a double's digits.
    const off = typeof value === 'string' ? actual.data[i] - BigInt(value) : actual.data[i] - want;
    const diff = Math.abs(Number(off));
    largest = Math.max(largest, Math.abs(want));
    difference = Number.isNaN(diff) ? Infinity : Math.max(difference, diff);
  });
  const relative = difference === 0 ? 0 : difference / largest;
  if (exact ? difference !== 0 : !(relative <= TOLERANCE)) {
    throw new Error(`output ${name}: off by ${difference}, the largest magnitude is ${largest}`);
  }
  return relative;
}

async function run(folder) {
  const { inputs, outputs } = JSON.parse(readFileSync(join(folder, 'case.json'), 'utf8'));
  const session = await ort.InferenceSession.create(join(folder, 'model.onnx'), {
    logSeverityLevel: 4,
  });
  const feeds = {};
  for (const [name, tensor] of Object.entries(inputs)) feeds[name] = toTensor(tensor);
  const results = await session.run(feeds);
  await session.release();
  let worst = 0;
  for (const [name, tensor] of Object.entries(outputs)) {
    if (!(name in results)) throw new Error(`no output ${name}`);
    worst = Math.max(worst, compare(name, tensor, results[name]));
  }
  return worst;
}

// The entry for a case: its own, that without @N (its symbolic batch), or its op's.
function find(table, name) {
  return [name, name.split('@')[0], name.split('_')[0]].find((key) => key in table);
}

const [folder, knownFile] = process.argv.slice(2);
const { differs, crashes } = JSON.parse(readFileSync(knownFile, 'utf8'));
const unused = new Set([...Object.keys(differs), ...Object.keys(crashes)]);
const counts = { ok: 0, known: 0, FAIL: 0 };

function report(verdict, name, text) {
  counts[verdict] += 1;
  console.log(`${verdict} ${name} ${text}`);
}

for (const name of readdirSync(folder).sort()) {
  const crash = find(crashes, name);
  const key = find(differs, name);
  unused.delete(crash ?? key);
  if (crash) {
    report('known', name, crashes[crash]);
    continue;
  }
  try {
    const worst = await run(join(folder, name));
    if (key) report('FAIL', name, `agrees, but is listed: ${differs[key]}`);
    else report('ok', name, worst.toExponential(1));
  } catch (error) {
    const message = String(error.message).split('\n')[0];
    if (key) report('known', name, `${differs[key]} (${message})`);
    else report('FAIL', name, message);
  }
}
for (const name of unused) report('FAIL', name, 'is listed, but there is no such case');
console.log(`${counts.ok} agree, ${counts.known} known, ${counts.FAIL} failures`);
process.exit(counts.FAIL === 0 ? 0 : 1);
