
// The page's sections, in its order.

const MOST_ROWS = 500;  // of a list that nobody reads to its end

function summarySection() {
  const s = data('summary');
  const fact = (name, value) => [name, value];
  const p = s.preprocessing;
  const t = s.training;
  const meta = Object.entries(s.metadata);
  section('summary', 'Summary', null,
    terms([fact('parameters', large(s.parameters)), fact('MACs an example', large(s.macs)),
           fact('layers', count(s.layers.length)),
           s.classes.length ? fact('classes', count(s.classes.length)) : null], { class: 'facts' }),
    el('h3', {}, 'Inputs and outputs'),
    terms([...s.inputs.map((i) => [i.name, i.type]), ...s.outputs.map((o) => [o.name, o.type]),
           p ? ['pictures', `${p.height} x ${p.width}, ${p.channel_order}, mean ${
             p.mean.map(number).join(', ')}, deviation ${p.std.map(number).join(', ')}`] : null]),
    s.classes.length ? details(plural(s.classes.length, 'class', 'classes'), () =>
      table('Classes', ['#label', 'name'], s.classes.map((c, i) => [String(i), c]))) : null,
    t ? details(`Training: ${plural(t.epoch, 'epoch')}, ${plural(t.step, 'step')}, seed ${t.seed}`,
                () => table('Training', ['option', 'value'], Object.entries(t.config))) : null,
    meta.length ? details('Metadata', () => table('Metadata', ['name', 'text'], meta)) : null,
    details('Layers', () => table('Layers',
      ['layer', 'op', 'output', 'field', '#parameters', '#MACs'],
      s.layers.map(([name, ...rest]) =>
        [nodeLink(BUILT, name), ...rest.slice(0, 3), count(rest[3]), count(rest[4])])),
      s.layers.length <= 20));
}

function exampleSection() {
  const serve = data('page').serve;
  const example = data('example');
  if (!serve && !example) return;
  const place = el('div', {});
  section('example', serve ? 'Try a picture' : 'One example', null,
          serve ? tryPane(place) : null, place);
  if (example) showExample(place, example);
}

function graphSection() {
  graphPane = new GraphPane();
  section('graph', 'The graph', null, graphPane.elements());
  graphPane.setView(RUN);
}

function rewriteList(rows, heads) {
  const shown = rows.slice(0, MOST_ROWS);
  const rest = rows.length - shown.length;
  return el('div', {}, table(heads.join(', '), heads, shown),
            rest > 0 ? el('p', { class: 'muted' }, `and ${count(rest)} more`) : null);
}

function passesSection() {
  const passes = data('passes');
  if (passes.error) {
    section('passes', 'What the optimizer did', null, el('p', {}, `Nothing: ${passes.error}`));
    return;
  }
  const { before, after, rules, rewrites, near_misses: misses } = passes;
  const change = (b, a, text) => `${text(b)} → ${text(a)}`;
  const difference = (n, text) => (n > 0 ? '+' : '') + text(n);
  const byRule = new Map(misses.map(([rule]) => [rule, []]));
  for (const miss of misses) byRule.get(miss[0]).push(miss);
  section('passes', 'What the optimizer did', null,
    terms([['nodes', change(before.nodes, after.nodes, count)],
           ['MACs', change(before.macs, after.macs, large)],
           ['bytes moved', change(before.bytes, after.bytes, bytes)]], { class: 'facts' }),
    el('h3', {}, 'By rule'),
    table('What each rule did', ['rule', '#times', '#nodes', '#MACs', '#bytes moved'],
      rules.map((r) => [r.rule, count(r.times), difference(r.after.nodes - r.before.nodes, count),
                        difference(r.after.macs - r.before.macs, count),
                        difference(r.after.bytes - r.before.bytes, bytes)])),
    details(plural(rewrites.length, 'rewrite'), () => rewriteList(
      rewrites.map(([rule, from, to]) => [rule, from.join(' + '), to.join(' + ') || 'nothing']),
      ['rule', 'what it took', 'what it made'])),
    details(plural(misses.length, 'near-miss', 'near-misses'), () => el('div', {},
      [...byRule].map(([rule, all]) => details(`${rule}: ${count(all.length)}`, () => rewriteList(
        all.map(([, node, condition]) => [node, condition]), ['node', 'why not']))))));
}

function memorySection() {
  const memory = data('memory');
  if (!memory) return;
  const { steps, buffers } = memory;
  const largest = [...buffers].sort((a, b) => b[1] - a[1]);
  const says = el('p', { class: 'status', role: 'status' }, 'Click a buffer to see what it holds.');
  const describe = ([, size, first, last, name]) => `${name}: ${bytes(size)}, from step ${first} (${
    steps[first]}) to ${last} (${steps[last]})`;
  section('memory', 'Memory over the run',
    `Where each value lies in the arena, and from which step to which, for ${
      plural(memory.batch, 'example')} at once. Weights and the caller's tensors lie elsewhere.`,
    terms([['arena', bytes(memory.arena_bytes)],
           ['weights', bytes(memory.constant_bytes + memory.variable_bytes)],
           ['inputs', bytes(memory.input_bytes)], ['outputs', bytes(memory.output_bytes)]],
          { class: 'facts' }),
    memoryChart(memory, (buffer) => { says.textContent = describe(buffer); }), says,
    details('As a table', () => table('Buffers of the arena',
      ['holds', '#bytes', '#offset', '#first step', '#last step'],
      largest.slice(0, MOST_ROWS).map(([offset, size, first, last, name]) =>
        [name, count(size), count(offset), count(first), count(last)]))));
}

function timeSection() {
  const t = data('time');
  if (!t) return;
  if (t.error) {
    section('time', 'Time by node', null, el('p', { class: 'error' }, `Not measured: ${t.error}`));
    return;
  }
  const slowest = [...t.steps].sort((a, b) => b.seconds - a.seconds);
  const byOp = new Map();
  for (const s of t.steps) {
    const row = byOp.get(s.op) ?? { op: s.op, calls: 0, seconds: 0, bound: 0 };
    row.calls += 1;
    row.seconds += s.seconds;
    row.bound += s.bound;
    byOp.set(s.op, row);
  }
  const ops = [...byOp.values()].sort((a, b) => b.seconds - a.seconds);
  const text = (s) => `${time(s.seconds)}`;
  section('time', 'Time by node',
    `Medians of ${plural(t.runs, 'run')} with ${plural(t.batch, 'example')} and ${
      plural(t.threads, 'thread')}; the mark is the least that the work could take here.`,
    terms([['a run', time(t.seconds)], ['examples a second', number(t.batch / t.seconds)],
           ['at least', time(t.bound)]], { class: 'facts' }),
    el('div', { class: 'two' },
       el('div', {}, el('h3', {}, 'By op'), bars(ops.slice(0, 15).map((o) => (
         { label: `${o.op} x ${o.calls}`, value: o.seconds, text: text(o), mark: o.bound })))),
       el('div', {}, el('h3', {}, 'The slowest steps'), bars(slowest.slice(0, 15).map((s) => (
         { label: nodeLink(RUN, s.name), value: s.seconds, text: text(s), mark: s.bound }))))),
    details('All steps', () => table('Steps in the order of the run',
      ['step', 'op', '#time', '#share', '#GFLOP/s', 'kernel', 'from'],
      t.steps.map((s) => [nodeLink(RUN, s.name), s.op, time(s.seconds),
                          percent(s.seconds / t.step_seconds),
                          s.seconds > 0 ? number(1e-9 * s.flops / s.seconds) : '-',
                          s.implementation, s.from]))));
}

function trainingSection() {
  const t = data('training');
  if (!t) return;
  const groups = [
    ['Loss', ['loss', 'test_loss'], number],
    ['Accuracy', ['accuracy', 'test_accuracy'], percent],
    ['Learning rate', ['learning_rate'], number],
  ];
  const known = new Set(groups.flatMap(([, names]) => names));
  const rest = Object.keys(t.columns).filter((name) => !known.has(name));
  // A column that both rows of steps and of epochs have is drawn by steps.
  const curve = (name) => {
    const c = t.columns[name];
    return { name, points: c && (c.steps.length ? c.steps : c.epochs) };
  };
  const draw = ([title, names, text]) => {
    const curves = names.map(curve).filter((c) => c.points?.length);
    return curves.length ? lineChart(title, curves, t.x, text) : null;
  };
  section('training', 'Training', `Of ${t.file}.`,
    el('div', { class: 'two' }, groups.map(draw)),
    rest.length ? details('Other curves', () => el('div', { class: 'two' },
      rest.map((name) => draw([name, [name], number])))) : null);
}

function confusionPart(e, name) {
  const classes = e.classes.map((c) => c[0]);
  if (classes.length <= 24) return confusionTable((c) => name(c), classes, e.confusion);
  const wrong = e.confusion.filter(([a, b]) => a !== b).sort((a, b) => b[2] - a[2]);
  return table('The most frequent mistakes', ['it is', 'taken for', '#times'],
               wrong.slice(0, 40).map(([a, b, n]) => [name(a), name(b), count(n)]));
}

function evaluationSection() {
  const e = data('evaluation');
  if (!e) return;
  const name = (label) => e.names[label] ?? `class ${label}`;
  const shown = ['top5', 'auc', 'f1', 'miou', 'label_accuracy', 'mse', 'mae'];
  section('evaluation', 'How well it does', `Judged by ${e.data}, ${plural(e.examples, 'example')}.`,
    terms([e.accuracy === undefined ? null : ['accuracy', percent(e.accuracy)],
           ['loss', number(e.loss)],
           ...e.metrics.filter(([n]) => shown.includes(n)).map(([n, v]) => [n, number(v)])],
          { class: 'facts' }),
    e.classes.length ? [el('h3', {}, 'What was taken for what'), el('div', { class: 'two' },
      confusionPart(e, name), table('Precision and recall of each class',
        ['class', '#examples', '#precision', '#recall', '#F1'],
        e.classes.slice(0, MOST_ROWS).map(([label, support, , precision, recall, f1]) =>
          [name(label), count(support), percent(precision), percent(recall), percent(f1)])))] : null);
  if (e.mistakes_error) {
    section('mistakes', 'The surest mistakes', null,
            el('p', { class: 'error' }, `Not gathered: ${e.mistakes_error}`));
    return;
  }
  if (e.mistakes.length === 0) return;
  section('mistakes', 'The surest mistakes', 'What the model is most certain of, and wrong.',
    el('div', { class: 'tiles' }, e.mistakes.map((m) => el('figure', {},
      m.picture ? el('img', { src: m.picture, loading: 'lazy', decoding: 'async',
                              alt: `Example ${m.index}` }) : null,
      el('figcaption', {}, `Example ${m.index}: taken for `, el('b', {}, name(m.predicted)),
         ` (${percent(m.probability)}); it is `, el('b', {}, name(m.label)),
         ` (${percent(m.label_probability)})`)))));
}

startTheme();
const first = [summarySection, exampleSection];
if (data('page').serve) first.reverse();
for (const build of [...first, graphSection, passesSection, memorySection, timeSection,
                     trainingSection, evaluationSection]) {
  build();
}
