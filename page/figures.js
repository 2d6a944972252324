// The head of the page: what it is about, the shares with their intervals, and what changed.
import { count, element, percent } from './dom.js';
import { OUTCOMES } from './data.js';

const NAMES = {
  reproduced: ['Reproduced', 'the rebuilt package counts as the published one'],
  identical: ['of these, identical', 'byte for byte'],
  'with provenance': ['With provenance', 'the registry lists it; never part of a verdict'],
  'reproduced, with provenance': ['Both', 'reproduced, and with provenance'],
  'reproduced or with provenance': ['Either', 'reproduced, with provenance, or both'],
};

function placed(node, styles) {
  Object.assign(node.style, styles);
  return node;
}

/** The share as a point and its interval as a line, on a scale from nothing to all. */
function interval({ share, low: from, high: to }) {
  // Without an interval the point alone.
  const [low, high] = [from ?? share, to ?? share];
  const at = (part) => `${part * 100}%`;
  return element('div', { class: 'interval', 'aria-hidden': 'true' },
    placed(element('i', { class: 'range' }), { left: at(low), width: at(high - low) }),
    placed(element('i', { class: 'point' }), { left: at(share) }));
}

const between = ({ low, high }) => `${(low * 100).toFixed(1)}–${percent(high)}`;

function line([name, share], isWhole) {
  const [title, meaning] = NAMES[name];
  if (!share) return null;
  return element('tr', { class: name === 'identical' ? 'part' : '' },
    element('th', { scope: 'row' }, title, element('small', {}, meaning)),
    element('td', {}, count(share.count)),
    element('td', {}, percent(share.share)),
    element('td', {}, isWhole ? between(share) : 'none yet'),
    element('td', { class: 'plot' }, interval(share)));
}

function outcomes({ all }) {
  const parts = { identical: all.identical, content: all.reproduced - all.identical, undecided: all.undecided };
  parts.not = all.packages - all.reproduced - all.undecided;
  const keys = Object.keys(OUTCOMES);
  const bar = element('div', { class: 'outcomes', 'aria-hidden': 'true' },
    keys.filter((key) => parts[key] > 0).map((key) => placed(element('i', { class: key }), { flexGrow: String(parts[key]) })));
  const names = element('ul', { class: 'legend' },
    keys.map((key) => element('li', {}, element('i', { class: key, 'aria-hidden': 'true' }), `${OUTCOMES[key]} `, element('b', {}, count(parts[key])), ` (${percent(all.packages ? parts[key] / all.packages : 0)})`)));
  return [bar, names];
}

/** The line below the title. */
export function asOf(head) {
  const { run, earlier } = head;
  const parts = [`As of ${run.asOf}`, `reproduce ${run.program}`, run.node && `Node ${run.node}`, `${count(head.figures.all.packages)} packages`, run.waiting > 0 && `${count(run.waiting)} wait`];
  if (earlier) parts.push(`beside the run of ${earlier.asOf}`);
  return parts.filter(Boolean).join(' · ');
}

/** The figures of the whole run: what is filtered below does not change them. */
export function figures(head) {
  const { shares } = head;
  const { all, unreadable } = head.figures;
  const reproduced = shares[0][1];
  // What needs no build is done first: no random part of a list.
  const { waiting } = head.run;
  const isWhole = waiting === 0;
  if (!reproduced) return [element('p', { class: 'note' }, 'There is no package in this run.')];
  const decided = all.packages - all.undecided;
  const notes = [
    decided > 0 && `Of the ${count(decided)} that were decided, ${percent(all.reproduced / decided)} are reproduced. `,
    unreadable > 0 && `${count(unreadable)} lines could not be read; they are not decided. `,
    isWhole
      ? 'Intervals are Wilson’s, at 95 %: what a list of this size says about the packages that it is a sample of.'
      : `${count(waiting)} packages of the list wait for a build. What is done first needs none, so the shares are not those of the list, and have no interval.`,
  ];
  return [
    element('div', { class: 'hero' },
      element('p', { class: 'big' }, percent(reproduced.share).replace('\u00a0%', ''), element('span', {}, '\u00a0%')),
      element('p', { class: 'says' }, isWhole ? `of ${count(all.packages)} packages are reproduced` : `of the ${count(all.packages)} packages that are done`,
        element('small', {}, isWhole ? `95 % interval: ${between(reproduced)}` : `${count(waiting)} wait`))),
    element('table', { class: 'shares' },
      element('caption', { class: 'unseen' }, 'Shares of all packages'),
      element('thead', {}, element('tr', {}, element('td'), ['packages', 'share', '95 % interval'].map((title) => element('th', { scope: 'col' }, title)),
        element('th', { scope: 'col', class: 'plot' }, element('span', { class: 'scale' }, ['0', '50', '100 %'].map((tick) => element('span', {}, tick)))))),
      element('tbody', {}, shares.map((share) => line(share, isWhole)))),
    element('div', { class: 'whole' }, outcomes(head.figures)),
    element('p', { class: 'lead' }, notes),
  ];
}

/** What an earlier run had, and this one has not. */
export function gone(head) {
  const { changes } = head.figures;
  if (!changes) return null;
  const left = changes.gone - changes.goneNames.length;
  const lines = [
    changes.gone > 0 && element('details', {}, element('summary', {}, `${count(changes.gone)} were in the earlier run alone`),
      element('p', { class: 'names' }, changes.goneNames.join(', '), left > 0 && `, and ${count(left)} more`)),
    changes.notCompared > 0 && element('p', { class: 'lead' }, `${count(changes.notCompared)} lines of the earlier run are not compared: unreadable, or too many.`),
  ];
  return lines.filter(Boolean);
}
