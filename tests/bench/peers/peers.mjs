// Runs Weft and its peers by turns and prints a table. Each turn is a process of its own, which
// loads the network, warms up, and times runs for a while; figures are medians of the turns,
// ratios medians of those of neighbouring turns, so that what happens to the machine happens to all.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const NETWORKS =
  'resnet18,resnet50,vgg16,alexnet,googlenet,inception_v3,densenet121,squeezenet1_0,' +
  'shufflenet_v2_x1_0,mobilenet_v2,efficientnet_b0,se_resnet50';
// Steps of training against PyTorch.
const STEPS = 'resnet50:8,resnet18_cifar:32,mobilenet_v2:8,lenet:128';

const HELP = `tests/bench/peers/run [OPTIONS]
  --networks A,B     networks of the zoo (default: ${NETWORKS})
  --batches 1,16     sizes of batches (default: 1,16)
  --training A:8,B:4 networks with the batch of a training step, against PyTorch, or none
                     (default: ${STEPS})
  --threads N        threads of each (default: 2)
  --rounds N         turns of each (default: 5)
  --seconds S        how long a turn measures (default: 1)
  --tuning MODE      how Weft chooses kernels: off, cached or measured (default: cached); what is
                     measured is so before the first turn
WEFT is the command that is measured (default: build/release/weft).`;

const { values: o } = parseArgs({
  options: {
    help: { type: 'boolean', default: false },
    networks: { type: 'string', default: NETWORKS },
    batches: { type: 'string', default: '1,16' },
    training: { type: 'string', default: STEPS },
    threads: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '1' },
    tuning: { type: 'string', default: 'cached' },
  },
});
if (o.help) {
  console.log(HELP);
  process.exit(0);
}

if (!(Number.isInteger(Number(o.rounds)) && Number(o.rounds) > 0)) {
  console.error(`--rounds: expected a number above 0, got ${o.rounds}`);
  process.exit(2);
}

// What `run` says.
const { WEFT, PEERS = '', PYTHON, MODULES, LIBRARIES } = process.env;
const peers = new Set(PEERS.split(' ').filter(Boolean));
const torchEnvironment = { ...process.env, PYTHONPATH: MODULES, LD_LIBRARY_PATH: LIBRARIES };

function json(program, args, env = process.env) {
  const text = execFileSync(program, args, { encoding: 'utf8', env, maxBuffer: 1 << 26 });
  return JSON.parse(text);
}

function files(network) {
  mkdirSync('networks', { recursive: true });
  const [weft, onnx] = ['weft', 'onnx'].map((ending) => join('networks', `${network}.${ending}`));
  if (!existsSync(weft)) execFileSync(WEFT, ['zoo', network, '-o', weft]);
  if (!existsSync(onnx)) execFileSync(WEFT, ['export', weft, '-o', onnx]);
  return { weft, onnx };
}

function ours({ network, batch, training }, seconds) {
  const common = ['--batch', batch, '--threads', o.threads, '--tuning', o.tuning];
  const mode = training ? ['--training'] : [];
  const args = ['bench', files(network).weft, ...common, '--seconds', seconds, '--json', ...mode];
  return json(WEFT, args);
}

// One turn of each: {weft, onnxruntime, pytorch}; a peer that cannot is null.
function turn(job) {
  const { network, batch, training } = job;
  const { onnx } = files(network);
  const common = [batch, o.threads, o.seconds];
  const results = { weft: ours(job, o.seconds) };
  if (peers.has('onnxruntime') && !training) {
    results.onnxruntime = json('node', ['onnxruntime.mjs', onnx, ...common]);
  }
  if (peers.has('pytorch')) {
    const mode = training ? 'training' : 'inference';
    const result = json(PYTHON, ['pytorch.py', network, ...common, mode], torchEnvironment);
    if ('seconds' in result) results.pytorch = result;
  }
  return results;
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return (sorted[Math.floor(middle)] + sorted[Math.ceil(middle) - 1]) / 2;
}

const milliseconds = (s) => (1e3 * s).toPrecision(3);
const mebibytes = (bytes) => Math.round(bytes / 2 ** 20).toString();

// "-" where no turn has it.
function cell(turns, of, show = (x) => x.toFixed(2)) {
  const values = turns.map(of).filter((value) => value !== undefined);
  return values.length === 0 ? '-' : show(median(values));
}

// The figures of Weft and of its peers that have them, as "ours / theirs".
function each(turns, key, show) {
  const programs = ['weft', 'onnxruntime', 'pytorch'].filter((p) => turns[0][p] !== undefined);
  return programs.map((p) => cell(turns, (t) => t[p][key], show)).join(' / ');
}

const ratios = { onnxruntime: [], pytorch: [] };

function row(job) {
  const turns = [];
  if (o.tuning === 'measured') ours(job, '0.01');
  for (let round = 0; round < Number(o.rounds); ++round) turns.push(turn(job));
  for (const t of turns) t.weft.peak_bytes = t.weft.process_peak_bytes - t.weft.process_start_bytes;
  const cells = [job.network + (job.training ? ' (training)' : ''), job.batch];
  cells.push(cell(turns, (t) => t.weft.seconds.median, milliseconds));
  for (const peer of ['onnxruntime', 'pytorch']) {
    const ratio = (t) => t[peer] && t[peer].seconds / t.weft.seconds.median;
    cells.push(cell(turns, (t) => t[peer]?.seconds, milliseconds), cell(turns, ratio));
    if (turns[0][peer]) ratios[peer].push(median(turns.map(ratio)));
  }
  cells.push(cell(turns, (t) => 100 * t.weft.share_of_peak, (x) => `${x.toFixed(0)} %`));
  cells.push(each(turns, 'load_seconds', milliseconds));
  cells.push(each(turns, 'first_result_seconds', milliseconds));
  cells.push(each(turns, 'peak_bytes', mebibytes));
  return cells;
}

const print = (cells) => console.log(`| ${cells.join(' | ')} |`);

console.log(
  `${cpus()[0].model.trim()}, ${o.threads} threads, tuning ${o.tuning}, ${new Date().toISOString().slice(0, 10)}; ` +
    `medians of ${o.rounds} turns; a ratio above 1: Weft is faster; load, first result and peak ` +
    'are those of Weft / ONNX Runtime / PyTorch, as far as they are there; the peak is what a ' +
    'process takes beyond its start\n',
);
print(['network', 'batch', 'Weft ms', 'ONNX Runtime ms', 'ratio', 'PyTorch ms', 'ratio',
  'share of peak', 'load ms', 'first result ms', 'peak MiB']);
print(Array(11).fill('---'));

const list = (text) => text.split(',').filter((name) => name !== '' && name !== 'none');
for (const batch of list(o.batches)) {
  for (const network of list(o.networks)) print(row({ network, batch, training: false }));
}
for (const step of list(o.training)) {
  const [network, batch] = step.split(':');
  print(row({ network, batch, training: true }));
}
for (const [peer, values] of Object.entries(ratios)) {
  if (values.length === 0) continue;
  const mean = Math.exp(values.reduce((sum, r) => sum + Math.log(r), 0) / values.length);
  console.log(`\n${peer}: geometric mean of the ratios ${mean.toFixed(2)}, ` +
    `least ${Math.min(...values).toFixed(2)}`);
}
