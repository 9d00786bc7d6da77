'use strict';
// What all sections of a report's page use. The page's data are JSON, each section's in a script
// element of its own; all files share one scope, in the order of report.cc.

const $ = (selector, root = document) => root.querySelector(selector);
const SVG = 'http://www.w3.org/2000/svg';

function make(e, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) e.addEventListener(name.slice(2), value);
    else e.setAttribute(name, value === true ? '' : value);
  }
  e.append(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false));
  return e;
}
// el('p', {class: 'muted', onclick: f}, 'text', child, [more], null)
function el(tag, attributes, ...children) {
  return make(document.createElement(tag), attributes, children);
}
function svg(tag, attributes, ...children) {
  return make(document.createElementNS(SVG, tag), attributes, children);
}

const parsed = new Map();
// A section's data, parsed when they are first asked for; null where the page has none.
function data(name) {
  if (!parsed.has(name)) {
    const script = document.getElementById(`json-${name}`);
    parsed.set(name, script ? JSON.parse(script.textContent) : null);
  }
  return parsed.get(name);
}

const count = (n) => n.toLocaleString('en-US');
const percent = (share) => (share === null || share === undefined ? '-'
  : `${(100 * share).toFixed(share < 0.0995 ? 2 : 1)} %`);
// Four digits: 0.01234, 12.34, 1.234e-7.
function number(x) {
  if (x === null || x === undefined) return '-';
  if (Number.isInteger(x) && Math.abs(x) < 1e6) return String(x);
  return String(Number(x.toPrecision(4)));
}
function scaled(x, units, base) {
  let i = 0;
  for (; Math.abs(x) >= base && i + 1 < units.length; ++i) x /= base;
  return `${i === 0 ? number(x) : x.toFixed(Math.abs(x) < 10 ? 2 : 1)} ${units[i]}`;
}
const bytes = (n) => scaled(n, ['B', 'KiB', 'MiB', 'GiB'], 1024);
const large = (n) => (n < 1e5 ? count(n) : scaled(n, ['', 'K', 'M', 'G', 'T'], 1000));
const time = (seconds) =>
  seconds < 1e-3 ? `${number(1e6 * seconds)} µs`
    : seconds < 1 ? `${number(1e3 * seconds)} ms` : `${number(seconds)} s`;
const plural = (n, what, more = `${what}s`) => `${count(n)} ${n === 1 ? what : more}`;

// A table that scrolls by itself. Heads that begin with # are of numbers; cells are text or nodes.
function table(label, heads, rows) {
  const numeric = heads.map((head) => head.startsWith('#'));
  const cell = (tag, i, content, more) =>
    el(tag, { class: numeric[i] ? 'number' : null, ...more }, content);
  const head = el('tr', {}, heads.map((h, i) => cell('th', i, h.replace('#', ''), { scope: 'col' })));
  const body = rows.map((row) => el('tr', {}, row.map((c, i) =>
    i === 0 && !numeric[0] ? cell('th', i, c, { scope: 'row' }) : cell('td', i, c))));
  return scroller(label, el('table', {}, el('thead', {}, head), el('tbody', {}, body)));
}
function scroller(label, content) {
  return el('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': label }, content);
}

// Details whose content is made when they are opened.
function details(summary, build, open = false) {
  const box = el('details', {}, el('summary', {}, summary));
  const fill = () => {
    if (box.open && box.childElementCount === 1) box.append(build());
  };
  box.addEventListener('toggle', fill);
  box.open = open;
  if (open) fill();
  return box;
}

function terms(pairs, attributes = {}) {
  return el('dl', attributes, pairs.filter((p) => p !== null).map(([term, ...texts]) =>
    el('div', { style: attributes.class ? null : 'display: contents' },
       el('dt', {}, term), el('dd', {}, texts))));
}

// Adds a section to the page and to its contents.
function section(id, title, text, ...content) {
  const heading = el('h2', { id: `${id}-title` }, title);
  $('#main').append(el('section', { id, 'aria-labelledby': heading.id }, heading,
                       text ? el('p', { class: 'muted' }, text) : null, content));
  $('#contents').append(el('li', {}, el('a', { href: `#${id}` }, title)));
}

const storedTheme = () => {
  try {
    return localStorage.getItem('weft-theme');
  } catch {
    return null;  // a page without storage
  }
};
function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  $('#theme').textContent = theme === 'dark' ? 'Light theme' : 'Dark theme';
}
function startTheme() {
  const root = document.documentElement;
  let chosen = ['dark', 'light'].includes(storedTheme());
  setTheme(root.dataset.theme);
  $('#theme').addEventListener('click', () => {
    chosen = true;
    setTheme(root.dataset.theme === 'dark' ? 'light' : 'dark');
    try {
      localStorage.setItem('weft-theme', root.dataset.theme);
    } catch { /* a page without storage forgets it */ }
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', (event) => {
    if (!chosen) setTheme(event.matches ? 'dark' : 'light');
  });
}
const moves = () => matchMedia('(prefers-reduced-motion: no-preference)').matches;
