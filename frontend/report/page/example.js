
// One example: what the model predicts, why, and what its layers see in it.

let currentExample = null;

const withClass = ({ label, name }) =>
  ([String(label), `class ${label}`].includes(name) ? name : `${name} (${label})`);

function predictionBars(example) {
  const right = example.label?.label;
  return bars(example.predictions.map((p) => ({
    label: p.label === right ? `${withClass(p)} - it is this` : withClass(p),
    value: p.probability, text: percent(p.probability), class: p.label === right ? 'right' : null,
  })));
}

function attributionTile(a) {
  const exact = a.completeness_error === undefined ? ''
    : ` Completeness error ${number(a.completeness_error)}.`;
  return el('figure', {},
    el('img', { src: a.overlay, loading: 'lazy', decoding: 'async',
                alt: `${a.title} for ${withClass(a.target)}, drawn over the example` }),
    el('figcaption', {}, el('b', {}, a.title), `: ${a.doc}. For ${withClass(a.target)}, score ${
      number(a.score)}.${exact}`));
}

// Any layer's maps, decoded when they are chosen.
function layerChooser(example) {
  if (example.activations.length === 0) return [];
  const picture = el('img', { alt: '', class: 'maps' });
  const says = el('p', { class: 'muted' });
  const select = el('select', { id: 'layer', onchange: () => show() },
    example.activations.map((a, i) => el('option', { value: i }, a.node)));
  const show = () => {
    const a = example.activations[Number(select.value)];
    picture.src = a.grid;
    picture.alt = `The first maps of ${a.node}, side by side`;
    says.replaceChildren(`[${a.shape.join(', ')}] `, nodeLink(BUILT, a.node));
  };
  show();
  return [el('h3', {}, 'Activations'),
          el('div', { class: 'tools' }, el('div', {}, el('label', { for: 'layer' }, 'Layer'), select)),
          picture, says];
}

function exampleView(example) {
  if (example.error) return [el('p', { class: 'error' }, example.error)];
  const top = example.predictions[0];
  const label = example.label;
  const verdict = !top ? '' : !label ? `The model takes it for ${withClass(top)}.`
    : label.label === top.label ? `The model is right: it is ${withClass(label)}.`
      : `The model takes it for ${withClass(top)}; it is ${withClass(label)}.`;
  return [
    el('div', { class: 'example' },
       example.picture ? el('figure', {},
         el('img', { src: example.picture, alt: `The example: ${example.name}` }),
         el('figcaption', {}, example.name)) : el('p', {}, example.name),
       el('div', {}, el('p', { role: 'status' }, verdict), predictionBars(example))),
    example.attributions.length ? el('h3', {}, 'What it looks at') : null,
    el('div', { class: 'tiles wide' }, example.attributions.map(attributionTile)),
    ...example.not_applicable.map((a) => el('p', { class: 'muted' }, el('b', {}, a.title), `: ${a.error}`)),
    ...layerChooser(example),
  ].filter((e) => e !== null);
}

// Puts an example on the page, in the place of the last one.
function showExample(place, example) {
  currentExample = example.error ? null : example;
  place.replaceChildren(...exampleView(example));
  if (graphPane && !graphPane.panel.hidden) graphPane.choose(graphPane.name);
}

// Of a served page: takes pictures and shows what the server says of them.
function tryPane(place) {
  const classes = data('summary').classes;
  const status = el('p', { class: 'status', role: 'status' });
  const wanted = el('select', { id: 'class', onchange: () => last && send(last) },
    el('option', { value: '' }, 'the predicted class'),
    classes.map((name, label) => el('option', { value: label }, withClass({ label, name }))));
  const all = el('input', { type: 'checkbox', id: 'all', onchange: () => last && send(last) });
  const file = el('input', { type: 'file', id: 'file', accept: 'image/*',
                             onchange: () => file.files[0] && send(file.files[0]) });
  let last = null, running = null;
  const fail = (text) => {
    status.textContent = text;
    status.classList.add('error');
    currentExample = null;
    place.replaceChildren();  // what was there is of another picture
  };
  async function send(picture) {
    last = picture;
    running?.abort();
    const mine = running = new AbortController();
    status.classList.remove('error');
    status.textContent = 'Looking at it...';
    const query = new URLSearchParams();
    if (wanted.value !== '') query.set('class', wanted.value);
    if (all.checked) query.set('methods', 'all');
    try {
      const answer = await fetch(`api/example${query.size ? `?${query}` : ''}`,
                                 { method: 'POST', body: picture, signal: mine.signal });
      const example = await answer.json().catch(
        () => ({ error: `the server answered ${answer.status} without saying why` }));
      if (mine.signal.aborted) return;  // a newer one is asked about
      if (example.error) return fail(example.error);
      status.textContent = '';
      showExample(place, { ...example, name: picture.name || example.name });
    } catch (error) {
      if (!mine.signal.aborted) fail(`The server cannot be reached: ${error.message}`);
    }
  }
  const drop = el('div', { class: 'drop' },
    el('p', {}, 'Drop a picture here, paste one, or choose a file.'),
    el('div', { class: 'tools' },
       el('div', {}, el('label', { for: 'file' }, 'Picture'), file),
       el('div', {}, el('label', { for: 'class' }, 'Explain'), wanted),
       el('div', {}, all, el('label', { for: 'all' }, 'by all methods, which takes longer'))));
  const take = (event, files) => {
    if (files.length === 0) return;
    event.preventDefault();
    send(files[0]);
  };
  document.addEventListener('dragover', (e) => {
    e.preventDefault();
    drop.classList.add('over');
  });
  document.addEventListener('dragleave', () => drop.classList.remove('over'));
  document.addEventListener('drop', (e) => {
    e.preventDefault();  // never leave the page for a file that misses
    drop.classList.remove('over');
    take(e, e.dataTransfer.files);
  });
  document.addEventListener('paste', (e) => take(e, e.clipboardData.files));
  return [drop, status];
}
