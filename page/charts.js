// Bars that are buttons: a value of a facet each, divided by outcome.
import { scaleBand, scaleLinear } from 'd3-scale';
import { stack } from 'd3-shape';
import { count, element, percent, unseen } from './dom.js';
import { NONE, OUTCOMES } from './data.js';

const KEYS = Object.keys(OUTCOMES);
/** Bars that are there before the rest is asked for. */
const FIRST = 8;
const NOTHING = { identical: 0, content: 0, not: 0, undecided: 0, all: 0 };
const divide = stack().keys(KEYS);

/** The parts of a bar: `[outcome, from, to]` in packages. */
const parts = (counts) => divide([counts]).map((series) => [series.key, ...series[0]]);

/** What a bar says to who does not see it. */
const said = (counts) => `: ${count(counts.all)} packages, ${percent(counts.all ? (counts.identical + counts.content) / counts.all : 0)} reproduced, ${count(counts.undecided)} not decided`;

/** Draws the parts along an axis; the elements stay, so that they can move. */
function draw(segments, counts, scale, [start, size]) {
  for (const [key, from, to] of parts(counts)) Object.assign(segments[key].style, { [start]: `${scale(from)}%`, [size]: `${scale(to) - scale(from)}%` });
}

function segmentsOf() {
  return Object.fromEntries(KEYS.map((key) => [key, element('i', { class: key })]));
}

/**
 * A chart of bars that lie: for values that are names. Those of `plain` have their number and no
 * bar: theirs would leave the others none.
 */
export function bars(title, values, onChoose, plain = []) {
  const list = element('ul', { class: 'bars' });
  const all = values.map((value) => {
    const segments = segmentsOf();
    const number = element('span', { class: 'number' });
    const words = unseen('');
    const button = element('button', { type: 'button', 'aria-pressed': 'false', title: value },
      element('span', { class: 'label' }, value), element('span', { class: 'track', 'aria-hidden': 'true' }, Object.values(segments)), number, words);
    button.addEventListener('click', () => onChoose(value));
    return { value, segments, number, words, button, item: element('li', {}, button) };
  });
  list.append(...all.slice(0, FIRST).map(({ item }) => item));
  const section = element('section', { class: 'chart' }, element('h3', {}, title), list);
  if (all.length > FIRST) {
    const more = element('button', { type: 'button', class: 'more', 'aria-expanded': 'false' }, `${count(all.length - FIRST)} more`);
    more.addEventListener('click', () => {
      const open = list.children.length === all.length;
      if (open) for (const { item } of all.slice(FIRST)) item.remove();
      else list.append(...all.slice(FIRST).map(({ item }) => item));
      more.setAttribute('aria-expanded', String(!open));
      more.textContent = open ? `${count(all.length - FIRST)} more` : 'fewer';
    });
    section.append(more);
  }
  return { section, update: (counts, chosen) => updateBars(all, counts, chosen, plain) };
}

function updateBars(all, counts, chosen, plain) {
  const drawn = all.filter(({ value }) => !plain.includes(value));
  const most = Math.max(1, ...drawn.map(({ value }) => counts.get(value)?.all ?? 0));
  const scale = scaleLinear().domain([0, most]).range([0, 100]);
  for (const { value, segments, number, words, button } of all) {
    const of = counts.get(value) ?? NOTHING;
    draw(segments, plain.includes(value) ? NOTHING : of, scale, ['left', 'width']);
    number.textContent = count(of.all);
    words.textContent = said(of);
    mark(button, value, of, chosen);
  }
}

function mark(button, value, of, chosen) {
  button.setAttribute('aria-pressed', String(chosen.has(value)));
  button.classList.toggle('off', of.all === 0);
  button.classList.toggle('unchosen', chosen.size > 0 && !chosen.has(value));
}

/** A chart of columns that stand: for years. */
export function columns(title, values, onChoose) {
  const years = values.filter((value) => value !== NONE).sort();
  // A year without packages has its place, too.
  const first = Number(years[0]);
  const span = years.length > 0 ? Array.from({ length: Number(years.at(-1)) - first + 1 }, (_, at) => String(first + at)) : [];
  // Years come from a registry that may be anyone's: a thousand of them are no axis.
  const timed = span.length <= 60 ? span : years;
  const axis = values.includes(NONE) ? [...timed, NONE] : timed;
  // What has no year stands apart from the last one.
  const band = scaleBand().domain([...timed, '', NONE].slice(0, axis.length + (axis.length - timed.length))).range([0, 100]).paddingInner(0.18);
  const lines = element('div', { class: 'grid', 'aria-hidden': 'true' });
  const all = axis.map((value, at) => {
    const segments = segmentsOf();
    const words = unseen('');
    // Labels that would touch are left out: more of them where there is less room.
    const isAt = (labels) => value === NONE || at % Math.ceil(axis.length / labels) === 0;
    const name = element('span', { class: isAt(5) ? 'label' : isAt(16) ? 'label often' : 'label rare' }, value === NONE ? 'n/a' : value);
    const button = element('button', { type: 'button', 'aria-pressed': 'false', title: value === NONE ? 'year not known' : value },
      element('span', { class: 'track', 'aria-hidden': 'true' }, Object.values(segments)), name, words);
    Object.assign(button.style, { left: `${band(value)}%`, width: `${band.bandwidth()}%` });
    button.addEventListener('click', () => onChoose(value));
    return { value, segments, words, button };
  });
  const section = element('section', { class: 'chart wide' }, element('h3', {}, title), element('div', { class: 'columns' }, lines, all.map(({ button }) => button)));
  return { section, update: (counts, chosen) => updateColumns(all, lines, counts, chosen) };
}

function updateColumns(all, lines, counts, chosen) {
  const most = Math.max(1, ...all.map(({ value }) => counts.get(value)?.all ?? 0));
  const scale = scaleLinear().domain([0, most]).range([0, 100]).nice(3);
  const ticks = scale.ticks(3).filter((tick) => Number.isInteger(tick));
  lines.replaceChildren(...ticks.map((tick) => {
    const line = element('span', {}, count(tick));
    line.style.bottom = `${scale(tick)}%`;
    return line;
  }));
  for (const { value, segments, words, button } of all) {
    const of = counts.get(value) ?? NOTHING;
    draw(segments, of, scale, ['bottom', 'height']);
    words.textContent = said(of);
    button.title = `${value === NONE ? 'year not known' : value}${said(of)}`;
    mark(button, value, of, chosen);
  }
}
