import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { experiments } from './catalogue.js';
import { cellSpec, DATA_SETS, EXTRACTORS, type GridExperiment } from './experiment.js';
import { printed } from './printed.js';

const grids = experiments.filter((experiment) => experiment.kind !== 'maps') as GridExperiment[];
const tables = grids.filter(({ kind }) => kind === 'table');

describe('every experiment', () => {
  test('is of its own name, and all of the paper are there', () => {
    const ids = experiments.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const wanted = [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12].map((number) => `table-${number}`);
    expect(ids).toEqual(expect.arrayContaining([...wanted, ...[1, 5, 6, 7, 8].map((number) => `figure-${number}`)]));
  });

  test.each(grids)('$id: row and column say together all that a cell needs', ({ rows, columns, kind }) => {
    for (const row of rows) {
      if (kind === 'table') expect(row.paper).toHaveLength(columns.length);
      for (const column of columns) {
        const spec = cellSpec(row, column);
        expect(DATA_SETS).toContain(spec.set);
        expect(EXTRACTORS).toContain(spec.extractor);
        expect(spec.model ?? spec.base).toBeTypeOf('string');
        expect(column.metric === 'cIndex').toBe(spec.task === 'survival');
      }
    }
  });
});

test('numbers as the paper prints them', () => {
  expect(printed('91.59±2.27')).toMatchObject({ mean: 91.59, std: 2.27 });
  expect(printed('81.2-.1')).toMatchObject({ mean: 81.2, gain: -0.1 });
  expect(printed('93.5+1.')).toMatchObject({ mean: 93.5, gain: 1 });
  expect(printed('10.6G')).toEqual({ text: '10.6G', mean: 10.6 });
  expect(() => printed('91,6')).toThrow('no number');
});

const paper = join(process.env.MHIM_SHARED ?? join(import.meta.dirname, '../../../../../shared'), 'paper/mhim-v2.txt');

// The text of the paper, where the large reference set stands beside the repository.
describe.skipIf(!existsSync(paper))('the numbers are those of the paper’s text', () => {
  const lines = existsSync(paper) ? readFileSync(paper, 'utf8').split('\n') : [];

  test.each(tables)('$id', ({ id, rows }) => {
    const number = id.replace('table-', '');
    const start = lines.findIndex((line) => line.startsWith(`Table ${number}: `));
    const rest = lines.slice(start + 1);
    const end = rest.findIndex((line) => line === '' || /^(00footnote|Table |\[)/.test(line));
    const printedRows = rest
      .slice(0, end)
      .map((line) => line.replaceAll('±\\pm', '±').replace(/\s\[\d+\]/, ''))
      .filter((line) => / \d+\.?\d*\S*$/.test(line) && !/ (R50|PLIP|UNI)$/.test(line));
    let group: string | undefined;
    const ours = rows.map((row) => {
      const heading =
        row.group === group || row.group?.startsWith('w/') || row.group === undefined ? '' : `${row.group} `;
      group = row.group;
      return `${heading}${row.label} ${row.paper.join(' ')}`;
    });
    expect(ours).toEqual(printedRows);
  });
});
