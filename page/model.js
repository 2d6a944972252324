// The rows that are shown, and in which order: a table without a face.
import { columnFilteringFeature, constructTable, createFilteredRowModel, createSortedRowModel, globalFilteringFeature, rowSortingFeature, tableFeatures } from '@tanstack/table-core';
import { storeReactivityBindings } from '@tanstack/table-core/store-reactivity-bindings';
import { matches } from './facets.js';

const order = new Intl.Collator('en', { numeric: true });

/** Columns of the table: their titles and what they are sorted by. */
export const COLUMNS = [
  { id: 'name', title: 'Package', value: (row) => row.shown },
  { id: 'verdict', title: 'Verdict', value: (row) => row.facets.verdict },
  { id: 'reason', title: 'Reason', value: (row) => row.facets.reason },
  { id: 'client', title: 'Client', value: (row) => row.facets.client },
  { id: 'year', title: 'Date', value: (row) => row.published },
  { id: 'provenance', title: 'Provenance', value: (row) => row.facets.provenance },
  { id: 'ms', title: 'Took', value: (row) => row.ms },
];

export const CHANGE = { id: 'change', title: 'Before', value: (row) => row.facets.change };

/**
 * The place of each row in the order of a column, found when it is first sorted by: comparing texts
 * for every key is slow.
 */
function ranks(rows, value) {
  let places;
  return ({ id }) => {
    if (places === undefined) {
      const values = [...new Set(rows.map(value))].sort((a, b) => (typeof a === 'number' ? a - b : order.compare(a, b)));
      const place = new Map(values.map((one, at) => [one, at]));
      places = Int32Array.from(rows, (row) => place.get(value(row)));
    }
    return places[id];
  };
}

/** The table of these rows. */
export function model(rows, facets) {
  const features = tableFeatures({
    coreReactivityFeature: storeReactivityBindings(),
    columnFilteringFeature,
    globalFilteringFeature,
    rowSortingFeature,
    filteredRowModel: createFilteredRowModel(),
    sortedRowModel: createSortedRowModel(),
  });
  const filterFn = (row, id, values) => values.has(row.original.facets[id]);
  const ids = [...new Set([...COLUMNS, CHANGE].map(({ id }) => id).concat(facets))];
  const columns = ids.map((id) => {
    const value = [...COLUMNS, CHANGE].find((column) => column.id === id)?.value ?? ((row) => row.facets[id]);
    const rank = ranks(rows, value);
    return { id, accessorFn: value, filterFn, sortFn: (a, b) => rank(a.original) - rank(b.original), sortDescFirst: false };
  });
  return constructTable({
    features,
    columns,
    data: rows,
    getRowId: (row) => String(row.id),
    globalFilterFn: (row, _id, words) => matches(row.original, words),
    // Once a row, and not once a column.
    getColumnCanGlobalFilter: (column) => column.id === 'name',
  });
}
