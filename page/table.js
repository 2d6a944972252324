// The table of packages. Only the rows in sight are in the document; the page itself scrolls.
import { Virtualizer, defaultRangeExtractor, measureElement, observeWindowOffset, observeWindowRect, windowScroll } from '@tanstack/virtual-core';
import { detailOf, signOf } from './data.js';
import { detail } from './detail.js';
import { element, time, unseen } from './dom.js';

/** Height of a closed row, until it is measured. */
const ROW = 41;
/** Rows on paper. */
const PRINTED = 200;

const shownValue = {
  verdict: ({ facets, outcome }) => element('span', { class: `verdict ${outcome}` }, element('i', { 'aria-hidden': 'true' }, signOf(outcome)), ` ${facets.verdict}`),
  reason: ({ facets }) => (facets.reason === '(none)' ? '' : facets.reason),
  client: ({ facets }) => (facets.client === '(none)' ? '' : facets.client),
  year: ({ published }) => published,
  provenance: ({ facets }) => (facets.provenance === 'none' ? '' : facets.provenance),
  ms: ({ ms }) => time(ms),
  change: ({ facets, before }) => [facets.change, before !== '' && facets.change !== 'the same' && element('small', {}, `was ${before}`)],
};

export class Table {
  #above;
  #columns;
  #rows = [];
  #open = new Set();
  #nodes = new Map();
  #focused = null;
  #printing = false;
  #virtual;

  /** `above` is what stays above the table. */
  constructor({ place, above }, columns, onSort) {
    this.#above = above;
    this.#columns = columns;
    this.heads = new Map(columns.map(({ id, title }) => {
      const button = element('button', { type: 'button' }, title, element('i', { 'aria-hidden': 'true' }));
      button.addEventListener('click', () => onSort(id));
      return [id, element('div', { role: 'columnheader', class: id, 'aria-sort': 'none' }, button)];
    }));
    this.body = element('div', { role: 'rowgroup', class: 'body' });
    this.root = element('div', { role: 'table', 'aria-label': 'Packages', 'aria-colcount': String(columns.length), class: 'packages' },
      element('div', { role: 'rowgroup', class: 'head' }, element('div', { role: 'row', 'aria-rowindex': '1' }, [...this.heads.values()])), this.body);
    place.append(this.root);
    this.body.addEventListener('keydown', (event) => this.#key(event));
    this.body.addEventListener('focusin', ({ target }) => (this.#focused = Number(target.closest('[data-index]')?.dataset.index)));
    this.#virtual = new Virtualizer(this.#options());
    this.#virtual._didMount();
    this.#virtual._willUpdate();
    // What stands above changes its height.
    new ResizeObserver(() => this.#place()).observe(document.body);
    addEventListener('beforeprint', () => this.#print(true));
    addEventListener('afterprint', () => this.#print(false));
  }

  #options() {
    return {
      count: this.#rows.length,
      getScrollElement: () => window,
      observeElementRect: observeWindowRect,
      observeElementOffset: observeWindowOffset,
      scrollToFn: windowScroll,
      measureElement,
      estimateSize: () => ROW,
      getItemKey: (index) => this.#rows[index]?.id ?? index,
      overscan: 10,
      scrollMargin: this.body.getBoundingClientRect().top + scrollY,
      // A row that has the focus stays.
      rangeExtractor: (range) => {
        const shown = defaultRangeExtractor(range);
        const kept = this.#focused;
        return Number.isInteger(kept) && kept < range.count && !shown.includes(kept) ? [...shown, kept].sort((a, b) => a - b) : shown;
      },
      initialRect: { width: innerWidth, height: innerHeight },
      onChange: () => this.#render(),
    };
  }

  /** Shows these rows; `sorted` is the column that gives their order. */
  show(rows, sorted) {
    this.#rows = rows;
    this.#focused = null;
    for (const [id, head] of this.heads) head.setAttribute('aria-sort', id === sorted?.id ? (sorted.desc ? 'descending' : 'ascending') : 'none');
    this.root.setAttribute('aria-rowcount', String(rows.length + 1));
    this.#place();
  }

  #place() {
    // The titles stay in sight, below the search field.
    this.root.style.setProperty('--top', `${this.#above.offsetHeight}px`);
    this.#virtual.setOptions(this.#options());
    this.#virtual._willUpdate();
    this.#render();
  }

  #render() {
    if (this.#printing) return;
    const items = this.#virtual.getVirtualItems();
    const margin = this.#virtual.options.scrollMargin;
    this.body.style.height = `${this.#virtual.getTotalSize()}px`;
    const wanted = items.map(({ index, start }) => {
      const node = this.#node(this.#rows[index], index);
      node.style.transform = `translateY(${start - margin}px)`;
      return node;
    });
    this.#fill(wanted);
    for (const node of wanted) this.#virtual.measureElement(node);
  }

  /**
   * Puts these nodes there, in this order, and moves none that is in its place: what moves loses
   * the focus.
   */
  #fill(wanted) {
    const keep = new Set(wanted);
    for (const node of [...this.body.children]) {
      if (keep.has(node)) continue;
      node.remove();
      this.#nodes.delete(Number(node.dataset.id));
    }
    let next = this.body.firstChild;
    for (const node of wanted) {
      if (node === next) next = node.nextSibling;
      else this.body.insertBefore(node, next);
    }
  }

  #node(row, index) {
    let node = this.#nodes.get(row.id);
    if (node === undefined) {
      node = this.#make(row);
      this.#nodes.set(row.id, node);
    }
    node.dataset.index = String(index);
    node.classList.toggle('even', index % 2 === 1);
    node.firstChild.setAttribute('aria-rowindex', String(index + 2));
    return node;
  }

  #make(row) {
    const at = row.shown.lastIndexOf('@');
    const [name, version] = at > 0 ? [row.shown.slice(0, at), row.shown.slice(at)] : [row.shown, ''];
    const button = element('button', { type: 'button', 'aria-expanded': 'false', title: row.shown }, element('bdi', {}, name), element('bdi', { class: 'version' }, version));
    const cells = this.#columns.map(({ id, title }) => element('div', { role: 'cell', class: id },
      id === 'name' ? button : [unseen(`${title}: `), shownValue[id](row)]));
    const node = element('div', { class: 'item', role: 'presentation', 'data-id': String(row.id) }, element('div', { role: 'row', class: 'row' }, cells));
    node.firstChild.addEventListener('click', ({ target }) => {
      if (target.closest('button') === button || getSelection().isCollapsed) this.#toggle(row, node);
    });
    if (this.#open.has(row.id)) this.#unfold(row, node);
    return node;
  }

  #toggle(row, node) {
    if (this.#open.delete(row.id)) {
      node.classList.remove('open');
      node.lastChild.remove();
      node.querySelector('button').setAttribute('aria-expanded', 'false');
    } else {
      this.#open.add(row.id);
      this.#unfold(row, node);
    }
    this.#virtual.measureElement(node);
  }

  #unfold(row, node) {
    node.classList.add('open');
    node.querySelector('button').setAttribute('aria-expanded', 'true');
    node.append(element('div', { role: 'row' }, element('div', { role: 'cell', 'aria-colspan': String(this.#columns.length) }, detail(row, detailOf(row)))));
  }

  #key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const button = event.target.closest('.row button');
    if (step === undefined || button === null) return;
    const index = Number(button.closest('.item').dataset.index) + step;
    if (index < 0 || index >= this.#rows.length) return;
    event.preventDefault();
    this.#focused = index;
    this.#virtual.scrollToIndex(index, { align: 'auto' });
    this.#place();
    this.#nodes.get(this.#rows[index].id)?.querySelector('button').focus({ preventScroll: true });
  }

  /** Paper does not scroll: the first rows stand there one below the other. */
  #print(begins) {
    this.#printing = begins;
    this.root.classList.toggle('printed', begins);
    if (begins) {
      this.#fill(this.#rows.slice(0, PRINTED).map((row, index) => this.#node(row, index)));
      const left = this.#rows.length - PRINTED;
      if (left > 0) this.root.append(element('p', { class: 'rest paper' }, `and ${left} more packages`));
    } else {
      this.root.querySelector('.paper')?.remove();
      this.#place();
    }
  }
}
