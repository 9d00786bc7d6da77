
// What is known of one node, as the graph's panel shows it.

const RUN = 0, BUILT = 1;
const VIEWS = [
  { key: 'graph-run', title: 'As it runs', doc: "After the optimizer's passes" },
  { key: 'graph-built', title: 'As it was built', doc: 'As the file has it' },
];

// A view's nodes by name, with those that read them; parsed when it is first asked for.
function graphView(view) {
  const graph = data(VIEWS[view].key);
  if (graph.byName) return graph;
  graph.byName = new Map(graph.nodes.map((node) => [node.name, node]));
  for (const node of graph.nodes) node.users = [];
  for (const node of graph.nodes) {
    for (const name of new Set(node.inputs)) graph.byName.get(name)?.users.push(node.name);
  }
  return graph;
}

// The steps of the plan that compute a node of the graph that runs.
const stepsOf = (name) => (data('time')?.steps ?? []).filter((step) => step.name === name);

// The maps of the example behind a node: of a fused one, of the last node it came from.
function activationOf(view, node) {
  const maps = currentExample?.activations;
  if (!maps) return null;
  const find = (name) => maps.find((a) => a.node === name);
  if (view === BUILT || !node.sources) return find(node.name);
  return [...node.sources].reverse().map(find).find((a) => a) ?? find(node.name);
}

// A link to a node of a view; its name where there is no such node.
function nodeLink(view, name) {
  if (view === RUN && !graphView(RUN).byName.has(name)) return el('span', {}, name);
  return el('button', { type: 'button', class: 'link',
                        onclick: () => graphPane.show(view, name) }, name);
}
const linkList = (view, names) => names.map((name, i) => [
  i ? ', ' : null, graphView(view).byName.has(name) ? nodeLink(view, name) : name]);

function weightBlock(weight) {
  const block = [el('h4', {}, weight.name),
                 el('p', { class: 'muted' }, `${weight.type}, ${plural(weight.elements, 'element')}`)];
  if (!weight.counts) return block;
  const broken = weight.not_finite > 0 ? [['not finite', count(weight.not_finite)]] : [];
  const bins = weight.counts.length > 0 ? [histogram(weight)] : [];
  return [...block, ...bins, terms([
    ['least', number(weight.low)], ['largest', number(weight.high)],
    ['mean', number(weight.mean)], ['deviation', number(weight.deviation)],
    ['zeros', percent(weight.zeros / weight.elements)], ...broken])];
}

function timeBlock(name) {
  const steps = stepsOf(name);
  if (steps.length === 0) return [];
  const all = data('time').step_seconds;
  return [el('h4', {}, 'Kernel and time'), ...steps.map((s) => terms([
    ['kernel', s.implementation],
    ['time', `${time(s.seconds)}, ${percent(s.seconds / all)} of the run`],
    s.flops > 0 && s.seconds > 0 ? ['speed', `${number(1e-9 * s.flops / s.seconds)} GFLOP/s`] : null,
    s.bound > 0 ? ['at least', `${time(s.bound)} on this machine`] : null]))];
}

function originBlock(view, node) {
  if (view === RUN && node.rule) {
    return [el('h4', {}, 'Where it comes from'),
            el('p', {}, `${node.rule} made it of `, linkList(BUILT, node.sources), '.')];
  }
  if (view === RUN) {
    return [el('p', {}, 'It runs as it was built: ', nodeLink(BUILT, node.name), '.')];
  }
  const became = graphView(RUN).nodes.filter(
    (n) => n.sources?.includes(node.name) || (!n.sources && n.name === node.name));
  const says = became.length > 0 ? ['It runs as ', linkList(RUN, became.map((n) => n.name)), '.']
    : ['Nothing of it is left in the graph that runs.'];
  return [el('h4', {}, 'What became of it'), el('p', {}, ...says),
          ...became.flatMap((n) => timeBlock(n.name))];
}

function mapsBlock(view, node) {
  const maps = activationOf(view, node);
  if (!maps) return [];
  const of = maps.node === node.name ? '' : ` (the values of ${maps.node})`;
  return [el('h4', {}, `Maps of ${currentExample.name}`),
          el('img', { class: 'maps', src: maps.grid, alt: `The first maps of ${maps.node}, side by side` }),
          el('p', { class: 'muted' }, `[${maps.shape.join(', ')}]${of}`)];
}

// The panel's content: elements.
function nodePanel(view, node) {
  const { weights } = graphView(view);
  const own = node.weights.map((i) => weights[i]);
  const parameters = own.reduce((sum, w) => sum + (w.counts ? w.elements : 0), 0);
  return [
    terms([
      ['op', node.op], ['gives', node.types.join(', ')],
      node.inputs.length ? ['reads', linkList(view, node.inputs)] : null,
      node.users.length ? ['read by', linkList(view, node.users)] : null,
      parameters ? ['parameters', count(parameters)] : null]),
    ...originBlock(view, node),
    ...(view === RUN ? timeBlock(node.name) : []),
    ...mapsBlock(view, node),
    own.length ? details(plural(own.length, 'weight tensor'),
                         () => el('div', {}, own.map(weightBlock)), own.length <= 4) : null,
    node.attributes.length ? details(plural(node.attributes.length, 'attribute'), () =>
      table(`Attributes of ${node.name}`, ['attribute', 'value'], node.attributes)) : null,
  ].filter((e) => e !== null);
}
