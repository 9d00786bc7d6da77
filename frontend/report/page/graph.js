
// The drawing of the graph: zoom, pan, search, and a panel for the chosen node.

const CANVAS_HELP = 'Arrows go to neighbours, Shift with arrows moves the drawing, + and - zoom, ' +
  '0 shows all, Enter opens a node, Escape closes it, / searches. After a click the wheel zooms.';
const ARROWS = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
const MOST_RESULTS = 60;

class GraphPane {
  constructor() {
    this.view = RUN;
    this.pointers = new Map();
    this.canvas = el('div', { class: 'canvas', tabindex: 0, role: 'application',
                              'aria-label': 'The graph', 'aria-describedby': 'graph-help' });
    this.status = el('p', { class: 'status', role: 'status' });
    this.panel = el('section', { class: 'panel', 'aria-label': 'The chosen node', hidden: true });
    this.frame = el('div', { class: 'graph' }, this.canvas, this.panel);
    this.listen();
  }

  elements() {
    const tool = (text, label, run) =>
      el('button', { type: 'button', 'aria-label': label, title: label, onclick: run }, text);
    this.switches = VIEWS.map((view, i) =>
      el('button', { type: 'button', title: view.doc, onclick: () => this.setView(i) }, view.title));
    this.search = el('input', { type: 'search', id: 'graph-search', autocomplete: 'off',
                                spellcheck: 'false', 'aria-controls': 'graph-results' });
    this.results = el('ul', { class: 'results', id: 'graph-results' });
    this.listenToSearch();
    return [
      el('div', { class: 'tools' }, el('div', { role: 'group', 'aria-label': 'Which graph' },
                                       this.switches),
         el('div', {}, el('label', { for: 'graph-search' }, 'Search by name or op ( / )'),
            this.search),
         el('span', { class: 'gap' }),
         el('div', { role: 'group', 'aria-label': 'Zoom' },
            tool('+', 'Zoom in', () => this.zoom(1.4)),
            tool('-', 'Zoom out', () => this.zoom(1 / 1.4)),
            tool('All', 'Show all of the graph', () => this.fit()))),
      this.results, this.status, this.frame,
      el('ul', { class: 'legend' }, data('page').kinds.map(([kind, name]) =>
        el('li', {}, el('span', { class: `swatch ${kind}` }), name))),
      el('p', { class: 'muted', id: 'graph-help' }, CANVAS_HELP),
    ];
  }

  // Draws a view of the graph; nothing is chosen.
  setView(view) {
    this.view = view;
    this.name = null;
    this.switches.forEach((b, i) => b.setAttribute('aria-pressed', String(i === view)));
    const { svg: text, error, nodes } = graphView(view);
    this.close();
    this.say(`${plural(nodes.length, 'node')}`);
    this.groups = new Map();
    this.canvas.innerHTML = text ?? '';
    this.svg = $('svg', this.canvas);
    if (!this.svg) {
      this.canvas.append(el('p', { class: 'error' }, error), el('p', {}, 'The search finds nodes.'));
      return;
    }
    const { width, height } = this.svg.viewBox.baseVal;
    this.full = { width, height };
    this.svg.removeAttribute('width');
    this.svg.removeAttribute('height');
    this.svg.setAttribute('aria-hidden', 'true');  // the search, the panel and the status say it
    // A drawing does not write every name as it is: nodes are found by their place in the graph.
    const names = new Map(nodes.map((n) => [String(n.index), n.name]));
    for (const group of this.svg.querySelectorAll('g.node[data-index]')) {
      const name = names.get(group.dataset.index);
      if (name === undefined) continue;  // a weight that is an output
      group.dataset.node = name;
      this.groups.set(name, group);
    }
    if (this.seen) this.start();  // the first time when it is laid out
    this.mark();
  }

  say(text) { this.status.textContent = text; }

  // The part of the drawing that is seen: its top left corner, and pixels a unit.
  start() {
    if (!this.svg || this.canvas.clientWidth === 0) return;
    const scale = Math.min(1.2, Math.max(0.6, this.scaleOfAll()));
    this.look((this.full.width - this.canvas.clientWidth / scale) / 2, -8 / scale, scale);
  }
  scaleOfAll() {
    const { clientWidth: w, clientHeight: h } = this.canvas;
    return Math.min(w / this.full.width, h / this.full.height, 1.5) * 0.97;
  }
  fit() {
    if (!this.svg) return;
    const scale = this.scaleOfAll();
    this.look((this.full.width - this.canvas.clientWidth / scale) / 2,
              (this.full.height - this.canvas.clientHeight / scale) / 2, scale);
  }
  look(x, y, scale) {
    const { clientWidth, clientHeight } = this.canvas;
    scale = Math.min(4, Math.max(Math.min(this.scaleOfAll(), 0.5), scale));
    const w = clientWidth / scale, h = clientHeight / scale;
    const within = (v, size, full) => Math.min(full - size / 2, Math.max(-size / 2, v));
    this.seen = { x: within(x, w, this.full.width), y: within(y, h, this.full.height), scale };
    if (this.drawn) return;
    this.drawn = requestAnimationFrame(() => {
      this.drawn = null;
      const s = this.seen;
      this.svg.setAttribute('viewBox', `${s.x} ${s.y} ${this.canvas.clientWidth / s.scale} ${
        this.canvas.clientHeight / s.scale}`);
      this.svg.classList.toggle('far', s.scale < 0.3);
    });
  }
  // Around a place of the canvas, in pixels.
  zoom(factor, px = this.canvas.clientWidth / 2, py = this.canvas.clientHeight / 2) {
    if (!this.seen) return;
    const { x, y, scale } = this.seen;
    const next = Math.min(4, Math.max(Math.min(this.scaleOfAll(), 0.5), scale * factor));
    this.look(x + px / scale - px / next, y + py / scale - py / next, next);
  }
  pan(dx, dy) {
    if (this.seen) this.look(this.seen.x - dx / this.seen.scale, this.seen.y - dy / this.seen.scale,
                             this.seen.scale);
  }

  // Where a node is in the drawing.
  placeOf(name) {
    const group = this.groups.get(name);
    if (!group) return null;
    const box = group.getBBox();
    const m = this.svg.getScreenCTM().inverse().multiply(group.getScreenCTM());
    return new DOMPoint(box.x + box.width / 2, box.y + box.height / 2).matrixTransform(m);
  }
  // Brings a node into the middle, unless it is well within what is seen.
  reveal(name, always) {
    const place = this.placeOf(name);
    if (!place || !this.seen) return;
    const { x, y, scale } = this.seen;
    const w = this.canvas.clientWidth / scale, h = this.canvas.clientHeight / scale;
    const inside = (v, from, size) => v > from + size * 0.15 && v < from + size * 0.85;
    if (!always && inside(place.x, x, w) && inside(place.y, y, h)) return;
    const next = Math.max(scale, 0.6);
    this.look(place.x - this.canvas.clientWidth / next / 2,
              place.y - this.canvas.clientHeight / next / 2, next);
  }

  choose(name, always = false) {
    const node = graphView(this.view).byName.get(name);
    if (!node) return;
    this.groups.get(this.name)?.classList.remove('selected');
    this.name = name;
    this.groups.get(name)?.classList.add('selected');
    this.reveal(name, always);
    this.say(`${name}, ${node.op}, ${node.types.join(', ')}`);
    if (!this.panel.hidden) this.fill(node);
  }
  // Opens a node of a view and shows it.
  show(view, name) {
    if (view !== this.view) this.setView(view);
    this.frame.scrollIntoView({ block: 'nearest', behavior: moves() ? 'smooth' : 'instant' });
    this.choose(name, true);
    this.open();
  }
  open() {
    const node = graphView(this.view).byName.get(this.name);
    if (!node) return;
    const was = this.panel.hidden;
    this.panel.hidden = false;
    this.frame.classList.add('open');
    this.fill(node);
    if (was && this.seen) this.reveal(this.name, false);
    $('h3', this.panel).focus({ preventScroll: true });
  }
  fill(node) {
    this.panel.replaceChildren(
      el('header', {}, el('h3', { tabindex: -1 }, node.name),
         el('button', { type: 'button', onclick: () => this.leave() }, 'Close')),
      ...nodePanel(this.view, node));
    this.panel.scrollTop = 0;
  }
  close() {
    this.panel.hidden = true;
    this.frame.classList.remove('open');
  }
  leave() {
    this.close();
    this.canvas.focus();
  }

  // The neighbour in a direction: along the edges up and down, by place to the sides.
  neighbour([dx, dy]) {
    const { byName, nodes } = graphView(this.view);
    const node = byName.get(this.name);
    if (!node) return nodes[0]?.name;
    if (dy !== 0) return (dy < 0 ? node.inputs : node.users).find((n) => byName.has(n));
    const from = this.placeOf(this.name);
    let best = null, least = Infinity;
    for (const name of from ? this.groups.keys() : []) {
      const to = this.placeOf(name);
      const along = (to.x - from.x) * dx, across = Math.abs(to.y - from.y);
      if (along < 1 || across > 150 || along + 4 * across >= least) continue;
      least = along + 4 * across;
      best = name;
    }
    return best;
  }

  onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const arrow = ARROWS[event.key];
    if (arrow && event.shiftKey) this.pan(-80 * arrow[0], -80 * arrow[1]);
    else if (arrow) this.choose(this.neighbour(arrow) ?? this.name);
    else if (event.key === '+' || event.key === '=') this.zoom(1.25);
    else if (event.key === '-') this.zoom(0.8);
    else if (event.key === '0') this.fit();
    else if (event.key === 'Enter') this.open();
    else if (event.key === 'Escape') this.close();
    else return;
    event.preventDefault();
  }

  listen() {
    const { canvas } = this;
    canvas.addEventListener('keydown', (e) => this.onKey(e));
    this.panel.addEventListener('keydown', (e) => e.key === 'Escape' && this.leave());
    canvas.addEventListener('wheel', (e) => {
      if (document.activeElement !== canvas && !e.ctrlKey) return;  // the page scrolls
      e.preventDefault();
      const box = canvas.getBoundingClientRect();
      this.zoom(Math.exp(-0.0015 * e.deltaY), e.clientX - box.left, e.clientY - box.top);
    }, { passive: false });
    canvas.addEventListener('pointerdown', (e) => {
      this.pointers.set(e.pointerId, { x: e.clientX, y: e.clientY });
      this.moved = 0;
      canvas.setPointerCapture(e.pointerId);
    });
    canvas.addEventListener('pointermove', (e) => this.onMove(e));
    canvas.addEventListener('pointercancel', (e) => this.pointers.delete(e.pointerId));
    canvas.addEventListener('pointerup', (e) => this.onUp(e));
    new ResizeObserver(() => {
      if (this.seen) this.look(this.seen.x, this.seen.y, this.seen.scale);
      else this.start();
    }).observe(canvas);
  }
  onMove(e) {
    const last = this.pointers.get(e.pointerId);
    if (!last) return;
    const dx = e.clientX - last.x, dy = e.clientY - last.y;
    const others = [...this.pointers].filter(([id]) => id !== e.pointerId).map(([, p]) => p);
    this.moved += Math.abs(dx) + Math.abs(dy);
    if (this.moved > 4) this.canvas.classList.add('dragging');
    if (others.length === 0) {
      this.pan(dx, dy);
    } else {  // two fingers
      const away = (p) => Math.hypot(p.x - others[0].x, p.y - others[0].y);
      const box = this.canvas.getBoundingClientRect();
      this.zoom(away({ x: e.clientX, y: e.clientY }) / Math.max(1, away(last)),
                others[0].x - box.left, others[0].y - box.top);
    }
    this.pointers.set(e.pointerId, { x: e.clientX, y: e.clientY });
  }
  onUp(e) {
    const was = this.pointers.delete(e.pointerId);
    this.canvas.classList.remove('dragging');
    if (!was || this.moved > 4) return;
    // The canvas has captured the pointer: what is below it is asked for.
    const group = document.elementFromPoint(e.clientX, e.clientY)?.closest('g.node[data-node]');
    if (!group) return;
    this.choose(group.dataset.node);
    this.open();
  }

  // The nodes whose name or op has the text that is searched for.
  found() {
    const text = this.search.value.trim().toLowerCase();
    if (text === '') return [];
    return graphView(this.view).nodes.filter(
      (n) => n.name.toLowerCase().includes(text) || n.op.toLowerCase().includes(text));
  }
  mark() {
    const hits = this.found();
    const names = new Set(hits.map((n) => n.name));
    for (const [name, group] of this.groups) group.classList.toggle('hit', names.has(name));
    this.results.replaceChildren(...hits.slice(0, MOST_RESULTS).map((n) =>
      el('li', {}, el('button', { type: 'button', onclick: () => this.show(this.view, n.name) },
                      n.name, el('span', { class: 'muted' }, n.op)))));
    if (this.search.value.trim() === '') return;
    const more = hits.length > MOST_RESULTS ? `, the first ${MOST_RESULTS} are listed` : '';
    this.say(`${plural(hits.length, 'node')} found${more}`);
  }
  listenToSearch() {
    this.search.addEventListener('input', () => this.mark());
    this.search.addEventListener('keydown', (e) => {
      const first = $('button', this.results);
      if (e.key === 'Enter') first?.click();
      else if (e.key === 'ArrowDown') first?.focus();
      else return;
      e.preventDefault();
    });
    this.results.addEventListener('keydown', (e) => {
      const item = e.target.closest('li');
      const to = { ArrowDown: item?.nextElementSibling, ArrowUp: item?.previousElementSibling }[e.key];
      if (to === undefined) return;
      e.preventDefault();
      (to ? $('button', to) : this.search).focus();
    });
    document.addEventListener('keydown', (e) => {
      if (e.key !== '/' || e.target.closest('input, select, textarea')) return;
      e.preventDefault();
      this.search.focus();
    });
  }
}

let graphPane = null;
