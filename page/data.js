// The results as they stand in the page: a head, rows, and the details of each row, which are read
// when it is opened.

const parse = (node) => JSON.parse(node.textContent);

/** Verdicts in the order of the terminal's words, and what each is worth. */
export const OUTCOMES = {
  identical: 'reproduced, the same bytes',
  content: 'reproduced, the same files',
  not: 'not reproduced',
  undecided: 'not decided',
};

const DECIDED = new Set(['identical', 'same-content', 'differs', 'build-failed']);
const PROVENANCE = ['none', 'listed', 'verified'];
/** What became of a package since an earlier run, what matters most first. */
export const CHANGES = {
  regressed: 'regressed',
  improved: 'improved',
  'no-longer-decided': 'no longer decided',
  'now-decided': 'now decided',
  otherwise: 'otherwise',
  new: 'new',
  same: 'the same',
};

export const NONE = '(none)';

/** Undecided stands first: what was not decided is never anything else. */
export function outcomeOf(verdict, reproduced) {
  if (!DECIDED.has(verdict)) return 'undecided';
  if (!reproduced) return 'not';
  return verdict === 'identical' ? 'identical' : 'content';
}

/** The sign that stands before a verdict in the terminal. */
export const signOf = (outcome) => ({ identical: '✓', content: '✓', not: '✗', undecided: '?' })[outcome];

function row(values, id, block, at) {
  const [name, version, verdict, reproduced, code, strategy, published, client, manager, provenance, ms, was] = values;
  const shown = version ? `${name}@${version}` : name;
  const facets = {
    verdict,
    reason: code ?? NONE,
    strategy: strategy ?? NONE,
    year: published?.slice(0, 4) ?? NONE,
    client: client ?? NONE,
    manager: manager ?? NONE,
    provenance: PROVENANCE[provenance],
    change: was ? CHANGES[was[0]] : NONE,
  };
  const before = was?.[1] ? [was[1], was[2]].filter(Boolean).join(', ') : '';
  const words = [shown, verdict, code, strategy, client, manager, published].filter(Boolean).join(' ').toLowerCase();
  return { id, block, at, name, shown, outcome: outcomeOf(verdict, reproduced === 1), published: published ?? '', ms, facets, before, words };
}

/** `{ head, rows }`: all rows, without their details. */
export function read() {
  const rows = [];
  for (const [block, node] of document.querySelectorAll('script.rows').entries()) {
    for (const [at, values] of parse(node).entries()) rows.push(row(values, rows.length, block, at));
    node.remove();
  }
  return { head: parse(document.getElementById('run')), rows };
}

const kept = new Map();

/** What a row opens to; null where the page has nothing of it. */
export function detailOf({ block, at }) {
  if (!kept.has(block)) {
    // One block at a time: whoever opens a row opens its neighbours next, if any.
    kept.clear();
    kept.set(block, parse(document.querySelectorAll('script.details')[block]));
  }
  return kept.get(block)[at];
}
