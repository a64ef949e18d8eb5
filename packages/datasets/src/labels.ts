import { readFile } from 'node:fs/promises';
import { MhimError } from '@mhim/tensor';
import { csvRecords, type CsvRecord } from './labels-csv.js';
import {
  columnsByCount,
  columnsNamed,
  isColumnName,
  type ColumnPositions,
  type LabelColumn,
} from './labels-columns.js';

/** A slide or a case of a label table. */
export interface LabelRow {
  /** The slide where the table lists slides, else the case. */
  readonly id: string;
  readonly caseId?: string;
  /** Class, from 0. */
  readonly label?: number;
  /** Until the event or the last follow-up, in the table's unit (the paper's: months). */
  readonly time?: number;
  /** 1 = the event was seen, 0 = censored. */
  readonly event?: 0 | 1;
  /** As in the table, in lower case: train, val, test … */
  readonly split?: string;
  /** Line in the file, from 1. */
  readonly line: number;
}

export interface LabelTable {
  readonly path: string;
  readonly rows: readonly LabelRow[];
  /** What a row stands for; `row` where the table says only `ID`. */
  readonly unit: 'slide' | 'case' | 'row';
  /** Name of each class, by number. Empty for a survival table without classes. */
  readonly classNames: readonly string[];
  readonly hasHeader: boolean;
}

export interface ReadLabelsOptions {
  /** Whether the first row names the columns. Default: it does if a cell of it is a known column name that no other row of its column repeats. */
  header?: boolean;
  /** Number of each class by its name in the table, e.g. `{ LUAD: 0, LUSC: 1 }`. Default: numbers as they are, else names in sorted order. */
  classes?: Readonly<Record<string, number>>;
  /** Columns by name, or by position from 0, where they are not recognised. */
  columns?: Partial<Record<Exclude<LabelColumn, 'event'>, string | number>>;
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
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new MhimError('the label table cannot be read.', {
      code: 'file-missing',
      path,
      hint: 'Check the path and its permissions.',
      cause,
    });
  }
  return parseLabels(text, path, options);
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

class Table {
  readonly classNames: readonly string[];
  readonly unit: 'slide' | 'case' | 'row';
  readonly body: readonly CsvRecord[];
  readonly positions: ColumnPositions;
  readonly header: readonly string[] | undefined;
  private readonly classOf: ReadonlyMap<string, number>;

  constructor(
    readonly path: string,
    records: readonly CsvRecord[],
    hasHeader: boolean,
    { classes, columns = {} }: ReadLabelsOptions,
  ) {
    this.header = hasHeader ? (records[0] as CsvRecord).cells : undefined;
    this.body = hasHeader ? records.slice(1) : records;
    if (this.body.length === 0) {
      throw this.error(
        hasHeader ? 'the table has a header and no rows.' : 'the table is empty.',
        'Is this the right file?',
      );
    }
    this.positions = this.findColumns(columns);
    const { slide, case: caseColumn, id } = this.positions;
    this.unit =
      slide !== undefined || (id !== undefined && caseColumn !== undefined)
        ? 'slide'
        : id !== undefined
          ? 'row'
          : 'case';
    const values =
      this.positions.label === undefined ? [] : this.body.map((record) => this.required(record, 'label', 'a class'));
    this.classOf = classes === undefined ? this.numberClasses(values) : this.checkMapping(classes);
    const names: string[] = [];
    for (const [name, label] of this.classOf) names[label] ??= name;
    this.classNames = Array.from(names, (name, label) => name ?? String(label));
  }

  rows(): LabelRow[] {
    const survival =
      this.positions.time !== undefined && (this.positions.status ?? this.positions.censorship) !== undefined;
    return this.body.map((record) => {
      const caseId = this.positions.case === undefined ? undefined : this.required(record, 'case', 'a case');
      const row = { id: this.idOf(record), line: record.line };
      const split = this.cell(record, 'split')?.toLowerCase();
      return {
        ...row,
        ...(caseId !== undefined && { caseId }),
        ...(this.positions.label !== undefined && { label: this.labelOf(record) }),
        ...(survival && this.outcomeOf(record)),
        ...(split !== undefined && split !== '' && { split }),
      };
    });
  }

  /** "Label" (or position 2) for messages. */
  columnName(column: LabelColumn): string {
    const position = this.positions[column] as number;
    return this.header === undefined ? String(position + 1) : `"${this.header[position]}"`;
  }

  error(what: string, hint: string): MhimError {
    return new MhimError(what, { code: 'data', path: this.path, hint });
  }

  private findColumns(given: NonNullable<ReadLabelsOptions['columns']>): ColumnPositions {
    const width = (this.body[0] as CsvRecord).cells.length;
    const found = this.header === undefined ? columnsByCount(width) : columnsNamed(this.header);
    const positions: ColumnPositions = { ...found };
    for (const [column, where] of Object.entries(given) as [LabelColumn, string | number][]) {
      const position = typeof where === 'number' ? where : (this.header?.indexOf(where) ?? -1);
      if (!Number.isInteger(position) || position < 0 || position >= width) {
        throw this.error(`no column ${JSON.stringify(where)} for ${column}.`, this.columnsHint());
      }
      positions[column] = position;
    }
    if ((positions.id ?? positions.slide ?? positions.case) === undefined) {
      throw this.error('no column with the slide or case.', this.columnsHint());
    }
    if ((positions.label ?? positions.time) === undefined) {
      throw this.error('no column with the label, nor a survival time.', this.columnsHint());
    }
    if (positions.label === undefined && (positions.status ?? positions.censorship) === undefined) {
      throw this.error('a survival time but no status or censorship column.', this.columnsHint());
    }
    return positions;
  }

  private columnsHint(): string {
    const there = this.header === undefined ? 'no header was found' : `the header is ${this.header.join(',')}`;
    return `Here ${there}; name the columns with the option "columns" (by name or position from 0)${
      this.header === undefined ? ', or say that there is a header with "header"' : ''
    }.`;
  }

  private idOf(record: CsvRecord): string {
    const column = this.positions.slide !== undefined ? 'slide' : this.positions.id !== undefined ? 'id' : 'case';
    return this.required(record, column, 'a slide or case');
  }

  private labelOf(record: CsvRecord): number {
    const value = this.required(record, 'label', 'a class');
    const label = this.classOf.get(value) ?? this.classOf.get(String(Number(value)));
    if (label === undefined) {
      throw this.at(
        record,
        'label',
        `unknown class "${value}"`,
        `Known are ${[...this.classOf.keys()].join(', ')}; correct the row or add the class to "classes".`,
      );
    }
    return label;
  }

  private outcomeOf(record: CsvRecord): { time: number; event: 0 | 1 } {
    const time = this.number(record, 'time', 'a time of 0 or more');
    if (time < 0) throw this.at(record, 'time', `expected a time of 0 or more, got ${time}`, 'Correct the row.');
    const column = this.positions.status !== undefined ? 'status' : 'censorship';
    const flag = this.number(record, column, '0 or 1');
    if (flag !== 0 && flag !== 1)
      throw this.at(record, column, `expected 0 or 1, got ${flag}`, 'Write 1 for a seen event.');
    return { time, event: (column === 'status' ? flag : 1 - flag) as 0 | 1 };
  }

  private number(record: CsvRecord, column: LabelColumn, what: string): number {
    const value = Number(this.required(record, column, what));
    if (!Number.isFinite(value))
      throw this.at(record, column, `expected ${what}, got "${this.cell(record, column)}"`, 'Correct the row.');
    return value;
  }

  private required(record: CsvRecord, column: LabelColumn, what: string): string {
    const value = this.cell(record, column) ?? '';
    if (/^(nan|na|n\/a|null|none)?$/i.test(value)) {
      throw this.at(record, column, `expected ${what}, got "${value}"`, 'Fill it in or delete the row.');
    }
    return value;
  }

  private cell(record: CsvRecord, column: LabelColumn): string | undefined {
    const position = this.positions[column];
    return position === undefined ? undefined : record.cells[position];
  }

  private at(record: CsvRecord, column: LabelColumn, what: string, hint: string): MhimError {
    return this.error(`line ${record.line}, column ${this.columnName(column)}: ${what}.`, hint);
  }

  private numberClasses(values: readonly string[]): Map<string, number> {
    const names = [...new Set(values)];
    const numeric = names.filter((name) => Number.isFinite(Number(name)));
    if (numeric.length === 0) return new Map(names.sort().map((name, label) => [name, label]));
    const odd = names.find((name) => !/^\d+(\.0+)?$/.test(name));
    if (odd !== undefined) {
      const record = this.body[values.indexOf(odd)] as CsvRecord;
      throw this.at(
        record,
        'label',
        `unknown class "${odd}" among numbers`,
        'Number the classes 0, 1, 2 … or give "classes".',
      );
    }
    return new Map(
      names
        .map(Number)
        .sort((a, b) => a - b)
        .map((label) => [String(label), label]),
    );
  }

  private checkMapping(classes: Readonly<Record<string, number>>): Map<string, number> {
    const entries = Object.entries(classes);
    const bad = entries.find(([, label]) => !Number.isInteger(label) || label < 0);
    if (bad || entries.length === 0) {
      throw new MhimError(bad ? `class "${bad[0]}" has the number ${bad[1]}.` : 'no class given.', {
        code: 'config',
        path: 'classes',
        hint: 'Number classes 0, 1, 2 …',
      });
    }
    return new Map(entries);
  }
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
