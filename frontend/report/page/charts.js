
// Charts. Each is drawn for the width that it has, so that its text stays readable.

// Calls draw(width) for an SVG whenever the width changes.
function chart(draw) {
  const box = el('div', { class: 'chart' });
  let width = 0;
  new ResizeObserver(([entry]) => {
    const now = Math.floor(entry.contentRect.width);
    if (now === width || now === 0) return;
    width = now;
    box.replaceChildren(draw(width));
  }).observe(box);
  return box;
}

let chartIds = 0;
// An image for screen readers: a title and what it shows.
function drawing(width, height, title, description, ...content) {
  const id = `chart-${++chartIds}`;
  return svg('svg', { viewBox: `0 0 ${width} ${height}`, role: 'img',
                      'aria-labelledby': `${id}-t ${id}-d` },
             svg('title', { id: `${id}-t` }, title), svg('desc', { id: `${id}-d` }, description),
             content);
}

// Round numbers between low and high, about `wanted`; one where rounding leaves none between them.
function ticks(low, high, wanted) {
  if (!(high - low > 1e-12 * Math.max(Math.abs(low), Math.abs(high)))) return [low];
  const rough = (high - low) / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((f) => f * power).find((s) => s >= rough) ?? rough;
  const first = Math.ceil(low / step), last = Math.floor(high / step + 1e-9);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => (first + i) * step);
}

const DASHES = ['', '7 3', '2 3', '9 3 2 3'];
const curveStyle = (i) => ({
  class: `curve c${i % 6 + 1}`, stroke: 'var(--color)', 'stroke-dasharray': DASHES[i % 4] });

function legend(names) {
  return el('ul', { class: 'legend' }, names.map((name, i) =>
    el('li', {}, svg('svg', { viewBox: '0 0 28 12', 'aria-hidden': 'true' },
                     svg('path', { d: 'M0 6H28', ...curveStyle(i) })), name)));
}

// Axes with ticks around the place [left, right] x [top, bottom]; x(value) and y(value) are pixels.
function axes({ left, right, top, bottom }, x, y, xTicks, yTicks, xLabel, texts = {}) {
  const xText = texts.x ?? number, yText = texts.y ?? number;
  return [
    yTicks.map((v) => [
      svg('path', { class: 'grid', d: `M${left} ${y(v)}H${right}` }),
      svg('text', { x: left - 6, y: y(v) + 4, 'text-anchor': 'end' }, yText(v))]),
    xTicks.map((v) => [
      svg('path', { class: 'axis', d: `M${x(v)} ${bottom}v4` }),
      svg('text', { x: x(v), y: bottom + 17, 'text-anchor': 'middle' }, xText(v))]),
    svg('path', { class: 'axis', d: `M${left} ${bottom}H${right}` }),
    svg('text', { x: right, y: bottom + 33, 'text-anchor': 'end' }, xLabel),
  ].flat(2);
}

// Curves [{name, points: [[x, y], ...]}] of one kind of number.
function lineChart(title, curves, xLabel, yText = number) {
  const all = curves.flatMap((c) => c.points);
  const range = (i) => all.reduce(([a, b], p) => [Math.min(a, p[i]), Math.max(b, p[i])],
                                  [Infinity, -Infinity]);
  const [x0, x1] = range(0), [y0, y1] = range(1);
  const says = curves.map((c) => `${c.name}: from ${yText(c.points[0][1])} to ${
    yText(c.points.at(-1)[1])}`).join('; ');
  const draw = (width) => {
    const height = Math.min(320, Math.max(220, width * 0.5));
    const place = { left: 56, right: width - 14, top: 10, bottom: height - 40 };
    const x = (v) => place.left + (v - x0) / (x1 - x0 || 1) * (place.right - place.left);
    const y = (v) => place.bottom - (v - y0) / (y1 - y0 || 1) * (place.bottom - place.top);
    return drawing(width, height, title, says,
      axes(place, x, y, ticks(x0, x1, width / 110), ticks(y0, y1, 5), xLabel, { y: yText }),
      curves.map((c, i) => svg('path', { ...curveStyle(i),
        d: c.points.map((p, j) => `${j ? 'L' : 'M'}${x(p[0]).toFixed(1)} ${y(p[1]).toFixed(1)}`)
          .join('') })));
  };
  const rows = () => curves.flatMap((c) => c.points.map((p) => [c.name, number(p[0]), yText(p[1])]));
  return el('figure', {}, el('h3', {}, title), legend(curves.map((c) => c.name)), chart(draw),
            details('As a table', () => table(title, ['curve', `#${xLabel}`, '#value'], rows())));
}

// Rows {label (text or node), value, text, mark, class} as bars; the longest is the largest value.
function bars(rows) {
  const most = Math.max(...rows.map((r) => r.value), 1e-300);
  const width = (value) => `${(100 * value / most).toFixed(2)}%`;
  return el('ol', { class: 'bars' }, rows.map((r) =>
    el('li', { class: r.class }, el('span', {}, r.label),
       el('span', { class: 'bar', 'aria-hidden': 'true' },
          el('span', { style: `width: ${width(r.value)}` }),
          r.mark ? el('i', { style: `left: ${width(Math.min(r.mark, most))}` }) : null),
       el('span', { class: 'number' }, r.text))));
}

// A tensor's elements by value.
function histogram(weight) {
  const { counts, from, to } = weight;
  const most = Math.max(...counts);
  const draw = (width) => {
    const height = 110, bottom = height - 20, step = width / counts.length;
    return drawing(width, height, `Elements of ${weight.name} by value`,
      `${counts.length} bins from ${number(from)} to ${number(to)}; the fullest has ${count(most)}`,
      svg('g', { class: 'histogram' }, counts.map((n, i) => {
        const tall = n === 0 ? 0 : Math.max(1, n / most * (bottom - 4));
        return svg('rect', { x: (i * step).toFixed(1), y: (bottom - tall).toFixed(1),
                             width: Math.max(1, step - 1).toFixed(1), height: tall.toFixed(1) });
      })),
      svg('path', { class: 'axis', d: `M0 ${bottom}H${width}` }),
      svg('text', { x: 0, y: height - 5 }, number(from)),
      svg('text', { x: width, y: height - 5, 'text-anchor': 'end' }, number(to)));
  };
  return chart(draw);
}

// The arena over the steps: a rectangle a buffer. choose(buffer) is called for one that is clicked.
function memoryChart(memory, choose) {
  const { steps, buffers, arena_bytes: top } = memory;
  const unit = 1024 ** Math.floor(Math.log(Math.max(top, 1)) / Math.log(1024));
  const marks = ticks(0, top / unit, 5).map((v) => v * unit);
  const draw = (width) => {
    const height = Math.min(420, Math.max(240, width * 0.45));
    const place = { left: 76, right: width - 12, top: 10, bottom: height - 40 };
    const x = (step) => place.left + step / Math.max(steps.length, 1) * (place.right - place.left);
    const y = (offset) => place.bottom - offset / Math.max(top, 1) * (place.bottom - place.top);
    return drawing(width, height, 'The arena over the run',
      `${plural(buffers.length, 'buffer')} in ${bytes(top)}, over ${plural(steps.length, 'step')}`,
      axes(place, x, y, ticks(0, steps.length, width / 110), marks, 'step', { y: bytes }),
      buffers.map((b, i) => {
        const [offset, size, first, last, name] = b;
        return svg('rect', {
          class: `c${i % 6 + 1}`, fill: 'color-mix(in oklab, var(--color) 55%, var(--panel))',
          stroke: 'var(--color)', 'stroke-width': 0.5, onclick: () => choose(b),
          x: x(first).toFixed(1), width: Math.max(1, x(last + 1) - x(first)).toFixed(1),
          y: y(offset + size).toFixed(1), height: Math.max(0.5, y(offset) - y(offset + size)).toFixed(1),
        }, svg('title', {}, `${name}: ${bytes(size)}`));
      }));
  };
  return chart(draw);
}

// What was taken for what: a table for few classes, the shares of each row as shades.
function confusionTable(names, classes, counts) {
  const total = new Map();
  const cells = new Map();
  for (const [label, predicted, n] of counts) {
    total.set(label, (total.get(label) ?? 0) + n);
    cells.set(`${label} ${predicted}`, n);
  }
  const shade = (label, predicted) => {
    const n = cells.get(`${label} ${predicted}`) ?? 0;
    if (n === 0) return el('td', { class: 'none', style: '--share: 0' }, '0');
    const share = n / total.get(label);
    return el('td', { style: `--share: ${share.toFixed(3)}`,
                      class: `${share > 0.55 ? 'over55' : ''} ${share > 0.75 ? 'over75' : ''}` },
              count(n));
  };
  return scroller('Confusion matrix', el('table', { class: 'confusion' },
    el('caption', {}, 'Rows: what it is; columns: what it was taken for; the darker or brighter, ' +
                      'the larger the share of the row'),
    el('thead', {}, el('tr', {}, el('td', {}),
                       classes.map((c) => el('th', { scope: 'col' }, names(c))))),
    el('tbody', {}, classes.map((label) => el('tr', {},
      el('th', { scope: 'row' }, names(label)), classes.map((p) => shade(label, p)))))));
}
