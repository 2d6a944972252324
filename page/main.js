// The page of a run: reads what stands in it, and puts figures, charts and the table together.
import { bars, columns } from './charts.js';
import { CHANGES, NONE, OUTCOMES, read } from './data.js';
import { count, element } from './dom.js';
import { FACETS, tally, wordsOf } from './facets.js';
import { asOf, figures, gone } from './figures.js';
import { CHANGE, COLUMNS, model } from './model.js';
import { Table } from './table.js';

const at = (id) => document.getElementById(id);
const { head, rows } = read();
const isCompared = head.earlier !== null;
const names = [...Object.keys(FACETS), ...(isCompared ? ['change'] : [])];
const titles = { ...FACETS, change: isCompared ? `Since the run of ${head.earlier.asOf}` : '' };
const chosen = Object.fromEntries(names.map((name) => [name, new Set()]));
const table = model(rows, names);
let sorted;

document.title = `${head.run.list}: reproduce`;
at('title').textContent = head.run.list;
at('as-of').textContent = asOf(head);
at('figures').append(...figures(head));
at('legend').append(...Object.entries(OUTCOMES).map(([key, words]) => element('li', {}, element('i', { class: key, 'aria-hidden': 'true' }), words)));

/** The values of a facet, the commonest first. */
function valuesOf(name) {
  const all = tally(rows, [name], {}, []).get(name);
  // Having none is no value: it comes last.
  return [...all].sort(([a, { all: m }], [b, { all: n }]) => (a === NONE) - (b === NONE) || n - m || (a < b ? -1 : 1)).map(([value]) => value);
}

/** Values that a chart tells apart, as the figures do: each is an element. */
const MOST_VALUES = 200;

function chart(name) {
  const choose = (value) => {
    if (!chosen[name].delete(value)) chosen[name].add(value);
    update();
  };
  if (name === 'change') return bars(titles[name], Object.values(CHANGES), choose, [CHANGES.same]);
  const values = valuesOf(name);
  const drawn = (name === 'year' ? columns : bars)(titles[name], values.slice(0, MOST_VALUES), choose);
  if (values.length > MOST_VALUES) drawn.section.append(element('p', { class: 'note' }, `${count(values.length - MOST_VALUES)} rarer ones are in the table alone`));
  return drawn;
}

const charts = new Map(names.map((name) => [name, chart(name)]));
for (const [name, { section }] of charts) (name === 'change' ? at('changes') : at('charts')).append(section);
if (isCompared) {
  at('changes').hidden = false;
  at('changes').prepend(element('h2', {}, 'What changed'));
  at('changes').append(...gone(head));
}

const shown = new Table({ place: at('table'), above: document.querySelector('.tools') }, isCompared ? [...COLUMNS.slice(0, 3), CHANGE, ...COLUMNS.slice(3)] : COLUMNS, (id) => {
  sorted = sorted?.id !== id ? { id, desc: false } : sorted.desc ? undefined : { id, desc: true };
  table.setSorting(sorted ? [sorted] : []);
  update();
});

/** The choices as buttons that take them back. */
function chips() {
  const all = names.flatMap((name) => [...chosen[name]].map((value) => {
    const chip = element('button', { type: 'button', class: 'chip', 'aria-label': `Remove: ${titles[name]}, ${value}` }, element('small', {}, titles[name]), ` ${value} ×`);
    chip.addEventListener('click', () => {
      chosen[name].delete(value);
      update();
      at('search').focus();
    });
    return chip;
  }));
  if (all.length > 1) {
    const clear = element('button', { type: 'button', class: 'chip clear' }, 'Clear all');
    clear.addEventListener('click', () => {
      for (const name of names) chosen[name].clear();
      update();
      at('search').focus();
    });
    all.push(clear);
  }
  at('chips').replaceChildren(...all);
}

function status(number) {
  const beyond = head.figures.all.packages - rows.length;
  const of = number === rows.length ? `${count(number)} packages` : `${count(number)} of ${count(rows.length)} packages`;
  const words = [of, beyond > 0 && `the table has the first ${count(rows.length)} of ${count(head.figures.all.packages)}`, head.withoutDetails > 0 && `${count(head.withoutDetails)} without details: the page is full`];
  return words.filter(Boolean).join('; ');
}

function update() {
  const words = wordsOf(at('search').value);
  table.setGlobalFilter(words.length > 0 ? words : undefined);
  table.setColumnFilters(names.filter((name) => chosen[name].size > 0).map((name) => ({ id: name, value: new Set(chosen[name]) })));
  const found = table.getRowModel().rows.map(({ original }) => original);
  shown.show(found, sorted);
  const counts = tally(rows, names, chosen, words);
  for (const [name, drawn] of charts) drawn.update(counts.get(name), chosen[name]);
  at('shown').textContent = status(found.length);
  chips();
}

at('search').addEventListener('input', update);
addEventListener('keydown', (event) => {
  if (event.key === '/' && !event.ctrlKey && !event.metaKey && !event.altKey && !/^(INPUT|TEXTAREA)$/.test(event.target.tagName)) {
    event.preventDefault();
    at('search').focus();
  } else if (event.key === 'Escape' && event.target === at('search') && at('search').value !== '') {
    at('search').value = '';
    update();
  }
});

const dark = matchMedia('(prefers-color-scheme: dark)');
const isDark = () => (document.documentElement.dataset.theme ?? (dark.matches ? 'dark' : 'light')) === 'dark';
const label = () => (at('theme').textContent = isDark() ? 'Light theme' : 'Dark theme');
at('theme').addEventListener('click', () => {
  document.documentElement.dataset.theme = isDark() ? 'light' : 'dark';
  label();
});
dark.addEventListener('change', label);
label();
update();
document.documentElement.dataset.ready = 'true';
performance.mark('ready');
