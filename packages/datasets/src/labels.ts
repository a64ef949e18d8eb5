import { MhimError } from '@mhim/tensor';
import type { LabelRow, ReadLabelsOptions } from './label-row.js';
import { isColumnName } from './labels-columns.js';
import { csvRecords, readTableText, type CsvRecord } from './labels-csv.js';
import { Table } from './labels-table.js';

export interface LabelTable {
  readonly path: string;
  readonly rows: readonly LabelRow[];
  /** What a row stands for; `row` where the table says only `ID`. */
  readonly unit: 'slide' | 'case' | 'row';
  /** Name of each class, by number. Empty for a survival table without classes. */
  readonly classNames: readonly string[];
  readonly hasHeader: boolean;
}

/**
 * Reads a label table: CSV (comma, semicolon or tab), with or without header, one slide or one case a row. Columns are
 * recognised by their usual names (`slide_id`, `case_id`, `patient`, `ID`, `label`, `Split` …), header-less tables by
 * their number of columns: 2 = ID, label; 3 = case, slide, label (CLAM); 4 = case, slide, label, split; 5 = Study, ID, Event (the time), Status, WSI.
 *
 * Survival tables need a time and a status (1 = event) or censorship (1 = none); they may go without classes.
 * @throws MhimError `file-missing`, `file-format` or `data`: the message names file, line, column and value
 */
export async function readLabels(path: string, options: ReadLabelsOptions = {}): Promise<LabelTable> {
  return parseLabels(await readTableText(path), path, options);
}

/** {@link readLabels} of a text; `path` stands in the error messages. */
export function parseLabels(text: string, path: string, options: ReadLabelsOptions = {}): LabelTable {
  const records = csvRecords(text, path);
  const hasHeader = options.header ?? looksLikeHeader(records);
  const table = new Table(path, records, hasHeader, options);
  const rows = table.rows();
  if (options.header === undefined && !hasHeader) checkFirstRow(table);
  checkDuplicates(rows, table);
  checkCases(rows, path);
  return { path, rows, unit: table.unit, classNames: table.classNames, hasHeader };
}

function looksLikeHeader(records: readonly CsvRecord[]): boolean {
  const [first, ...others] = records;
  return (first?.cells ?? []).some(
    // A class may be called "case": a name that comes again below is a value.
    (cell, column) => isColumnName(cell) && !others.some(({ cells }) => cells[column] === cell),
  );
}

/** A header that is not recognised shows as a class of its own. */
function checkFirstRow(table: Table): void {
  const { label } = table.positions;
  if (label === undefined || table.body.length < 3) return;
  const [first, ...others] = table.body.map(({ cells }) => cells[label]);
  if (!others.includes(first)) {
    throw table.error(
      `the class "${first}" of the first row comes in no other row: is it a header?`,
      'Say so with the option "header" (true or false).',
    );
  }
}

function checkDuplicates(rows: readonly LabelRow[], table: Table): void {
  const seen = new Map<string, number>();
  for (const { id, line } of rows) {
    const before = seen.get(id);
    if (before !== undefined) {
      const column =
        table.unit === 'slide' && table.positions.slide !== undefined ? 'slide' : table.unit === 'case' ? 'case' : 'id';
      throw table.error(
        `line ${line}, column ${table.columnName(column)}: "${id}" stands in line ${before} already.`,
        'Keep one of the two rows.',
      );
    }
    seen.set(id, line);
  }
}

/** A patient has one survival time. */
function checkCases(rows: readonly LabelRow[], path: string): void {
  const outcomes = new Map<string, LabelRow>();
  for (const row of rows) {
    if (row.caseId === undefined || row.time === undefined) continue;
    const first = outcomes.get(row.caseId) ?? row;
    if (first.time !== row.time || first.event !== row.event) {
      throw new MhimError(`lines ${first.line} and ${row.line} give case "${row.caseId}" two outcomes.`, {
        code: 'data',
        path,
        hint: 'Correct one of them.',
      });
    }
    outcomes.set(row.caseId, first);
  }
}
