// What packages are told apart by: which values are chosen, and how many packages each value has
// among those that the other choices leave.

/** Names of the facets, in the order of the charts. */
export const FACETS = { verdict: 'Verdict', reason: 'Reason', client: 'Client that packed', strategy: 'Strategy', manager: 'Package manager', provenance: 'Provenance', year: 'Year' };

/** Whether a row has every one of the words. */
export const matches = (row, words) => words.every((word) => row.words.includes(word));

export const wordsOf = (text) => text.toLowerCase().split(/\s+/).filter(Boolean);

/**
 * Per facet, per value, how many packages of each outcome: a facet's own choice leaves its own bars
 * as they are.
 */
export function tally(rows, names, chosen, words) {
  const counts = new Map(names.map((name) => [name, new Map()]));
  const choosing = names.filter((name) => chosen[name]?.size > 0);
  for (const row of rows) {
    if (!matches(row, words)) continue;
    let refused = null;
    let several = false;
    for (const name of choosing) {
      if (chosen[name].has(row.facets[name])) continue;
      several = refused !== null;
      if (several) break;
      refused = name;
    }
    if (several) continue;
    for (const name of refused === null ? names : [refused]) {
      const values = counts.get(name);
      const value = row.facets[name];
      let of = values.get(value);
      if (of === undefined) values.set(value, (of = { identical: 0, content: 0, not: 0, undecided: 0, all: 0 }));
      of[row.outcome] += 1;
      of.all += 1;
    }
  }
  return counts;
}
