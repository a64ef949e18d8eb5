import { MhimError } from '@mhim/tensor';
import { isClassNumber, MAX_CLASSES } from './class-number.js';
import type { LabelRow, ReadLabelsOptions } from './label-row.js';
import { columnsByCount, columnsNamed, type ColumnPositions, type LabelColumn } from './labels-columns.js';
import type { CsvRecord } from './labels-csv.js';

/**
 * The case in a slide's name, where the name is a TCGA barcode (`TCGA-05-4244-01Z-…`), CPTAC's (`C3L-00001-21`) or CAMELYON17's
 * (`patient_004_node_2`).
 */
export function caseOfSlide(id: string): string | undefined {
  const names = [/^(TCGA-[A-Z0-9]{2}-[A-Z0-9]{4})-/i, /^(C3[LN]-\d{5})-\d{2}/i, /^(patient_\d{3})_node_\d/];
  return names.map((name) => name.exec(id)?.[1]).find((found) => found !== undefined);
}

/** A label table's rows with its columns found and its classes numbered. */
export class Table {
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
      const row = { id: this.idOf(record), line: record.line };
      const caseId = this.positions.case === undefined ? caseOfSlide(row.id) : this.required(record, 'case', 'a case');
      const split = this.cell(record, 'split')?.toLowerCase();
      return {
        ...row,
        ...(caseId !== undefined && { caseId }),
        ...(this.positions.label !== undefined && { label: this.labelOf(record) }),
        ...(survival && this.outcomeOf(record)),
        ...this.slidesOf(record),
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

  /** `a.svs;b.svs` of the official survival tables. */
  private slidesOf(record: CsvRecord): { slides?: string[] } {
    const names = (this.cell(record, 'slides') ?? '').split(';').map((name) => name.trim());
    const slides = names.filter((name) => name !== '');
    return slides.length > 0 ? { slides } : {};
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
    const large = names.find((name) => !isClassNumber(Number(name)));
    if (large !== undefined) {
      const record = this.body[values.indexOf(large)] as CsvRecord;
      throw this.at(
        record,
        'label',
        `class number ${large} is beyond ${MAX_CLASSES - 1}`,
        'Number the classes 0, 1, 2 …, or name another column with "columns".',
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
    const bad = entries.find(([, label]) => !isClassNumber(label));
    if (bad || entries.length === 0) {
      throw new MhimError(bad ? `class "${bad[0]}" has the number ${bad[1]}.` : 'no class given.', {
        code: 'config',
        path: 'classes',
        hint: `Number classes 0, 1, 2 … to ${MAX_CLASSES - 1} at most.`,
      });
    }
    return new Map(entries);
  }
}
