// One turn of ONNX Runtime: node onnxruntime.mjs MODEL.onnx BATCH THREADS SECONDS
// Prints JSON: seconds (the median run), load_seconds, first_result_seconds, peak_bytes (of the
// process, beyond what it held before it had a model).

import { readFileSync } from 'node:fs';
import * as ort from 'onnxruntime-node';

const [model, batch, threads, seconds] = process.argv.slice(2);

const statusBytes = (key) =>
  1024 * Number(readFileSync('/proc/self/status', 'utf8').match(new RegExp(`${key}:\\s+(\\d+)`))[1]);
const now = () => performance.now() / 1000;

const before = statusBytes('VmRSS');
let start = now();
const session = await ort.InferenceSession.create(model, {
  intraOpNumThreads: Number(threads),
  interOpNumThreads: 1,
  graphOptimizationLevel: 'all',
  logSeverityLevel: 3,
});
const load = now() - start;

// The open size is the batch.
const feeds = {};
for (const input of session.inputMetadata) {
  const dims = input.shape.map((d) => (typeof d === 'number' ? d : Number(batch)));
  const values = new Float32Array(dims.reduce((a, b) => a * b, 1));
  for (let i = 0; i < values.length; ++i) values[i] = 2 * Math.random() - 1;
  feeds[input.name] = new ort.Tensor('float32', values, dims);
}

start = now();
await session.run(feeds);
const first = load + now() - start;

async function timeRuns(budget, least) {
  const times = [];
  const all = now();
  while (times.length < least || now() - all < budget) {
    const one = now();
    await session.run(feeds);
    times.push(now() - one);
  }
  return times;
}
await timeRuns(0.1 * seconds, 1);
const times = (await timeRuns(Number(seconds), 5)).sort((a, b) => a - b);
const middle = times.length / 2;
console.log(
  JSON.stringify({
    seconds: (times[Math.floor(middle)] + times[Math.ceil(middle) - 1]) / 2,
    load_seconds: load,
    first_result_seconds: first,
    peak_bytes: statusBytes('VmHWM') - before,
  }),
);
