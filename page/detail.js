// What a row opens to.
import { count, element, time } from './dom.js';

/** A list that may have been cut: its rows, and a word on the rest. */
function few({ some, all }, make, tag = 'ul') {
  const list = element(tag, {}, some.map(make));
  return all > some.length ? [list, element('p', { class: 'rest' }, `and ${count(all - some.length)} more`)] : [list];
}

const part = (title, ...children) => element('section', {}, element('h3', {}, title), ...children);

const mono = (word) => element('code', {}, word);

function table(titles, rows) {
  return element('div', { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': titles.join(', ') },
    element('table', {},
      element('thead', {}, element('tr', {}, titles.map((title) => element('th', { scope: 'col' }, title)))),
      element('tbody', {}, rows.map((cells) => element('tr', {}, cells.map((cell) => element('td', {}, cell)))))));
}

/** Rows of a table, and a word on the rest. */
function tableOf(titles, { some, all }, make) {
  return [table(titles, some.map(make)), all > some.length && element('p', { class: 'rest' }, `and ${count(all - some.length)} more`)];
}

function text(label, body, lineClass) {
  const lines = body.trimEnd().split('\n').map((line) => element('span', { class: lineClass?.(line) ?? '' }, `${line}\n`));
  return element('pre', { tabindex: '0', role: 'group', 'aria-label': label }, lines);
}

function side(line) {
  if (line.startsWith('+++') || line.startsWith('---') || line.startsWith('@@')) return 'place';
  return { '+': 'added', '-': 'removed' }[line[0]];
}

const EVIDENCE = ['why', 'claim', 'commit', 'files there'];

function evidence({ kind, value, commit, matched, published, note }) {
  const there = matched === null ? '' : `${count(matched)} of ${count(published)}`;
  return [kind, [mono(value), note && element('small', {}, note)], commit ? mono(commit.slice(0, 12)) : '', there];
}

function attempt({ strategy, verdict, code, packed, built, steps, matched, adopted, log }) {
  const ran = steps.some.map(([name, exit, ms]) => `${name} (${exit === null ? '' : `exit ${exit}, `}${time(ms)})`);
  return element('li', {},
    element('p', {}, element('b', {}, strategy), `: ${verdict}${code ? ` (${code})` : ''}; ${count(matched)} files came out the same`),
    element('p', {}, `packed like ${packed}${built ? `; built with ${built}` : ''}`),
    ran.length > 0 && element('p', { class: 'steps' }, ran.join(' → '), steps.all > ran.length && `, and ${count(steps.all - ran.length)} more`),
    adopted.all > 0 && element('p', {}, `ignored, as it is in no file: ${adopted.some.join(', ')}`),
    log && text('The end of the build’s log', log));
}

function files({ identical, changed, onlyPublished, onlyRebuilt, explanations }) {
  const list = (title, names, name) => names.all > 0 && [element('p', {}, `${title}: ${count(names.all)}`), few(names, (one) => element('li', {}, mono(name ? name(one) : one)))];
  return part('Files',
    element('p', {}, `${count(identical)} the same, ${count(changed.all)} changed, ${count(onlyPublished.all)} only published, ${count(onlyRebuilt.all)} only rebuilt`),
    explanations.all > 0 && tableOf(['file', 'class', 'why it differs'], explanations, ([path, kind, message]) => [mono(path), kind, message]),
    explanations.all === 0 && list('changed', changed, ([path, kind]) => `${path} (${kind})`),
    list('only published', onlyPublished), list('only rebuilt', onlyRebuilt));
}

/** The content of an opened row. `detail` is null where the page has none. */
export function detail(row, found) {
  if (found === null) return element('div', { class: 'detail' }, element('p', {}, 'This page has no details of this package: it is full, or the line could not be read.'));
  const { message, facts, likely, diff, hints, terse } = found;
  const parts = [
    message && element('p', { class: 'message' }, message),
    row.before !== '' && element('p', {}, `Before: ${row.before} (${row.facets.change})`),
    found.findings.all > 0 && part('Findings', few(found.findings, ([severity, code, path, words]) => element('li', { class: severity }, element('b', {}, severity), ' ', mono(code), ` ${path ? `${path}: ` : ''}${words}`))),
    likely && part('Likely behind it', element('p', {}, mono(likely[0])), few(likely[1], (one) => element('li', {}, one))),
    found.files && files(found.files),
    diff && part('Diff', element('p', {}, '- is what was published, + is what was rebuilt'), text('Diff', diff, side)),
    found.evidence.all > 0 && part('Evidence', tableOf(EVIDENCE, found.evidence, evidence)),
    found.attempts.all > 0 && part('Attempts', few(found.attempts, attempt, 'ol')),
    facts.length > 0 && part('Facts', element('dl', {}, facts.flatMap(([name, value]) => [element('dt', {}, name), element('dd', {}, mono(value))]))),
    hints.all > 0 && part('What to do next', few(hints, (hint) => element('li', {}, hint))),
    terse && element('p', { class: 'rest' }, 'Logs and the diff were left out: the page is full.'),
  ];
  return element('div', { class: 'detail' }, parts);
}
