import { MhimError } from '@mhim/tensor';
import { csvRecords, readTableText, type CsvRecord } from '../labels-csv.js';
import { caseOfSlide } from '../labels-table.js';
import type { LabelRow } from '../label-row.js';
import { parseLabels } from '../labels.js';
import { slideName } from './slide-names.js';

/** How a table was published. */
export type TableKind =
  'labels' | 'camelyon16-reference' | 'camelyon17-stages' | 'gdc-clinical' | 'cbioportal-clinical';

export interface PublishedTableOptions {
  /**
   * Number of each class by the names that tables give it, upper and lower case alike: `{ luad: 0, 'tcga-luad': 0, lusc: 1 }`. Rows of
   * other classes are left out.
   */
  classes?: Readonly<Record<string, number>>;
  /**
   * Projects and diagnoses of the data set, upper and lower case alike: cases of clinical tables that name others are left out
   * (`['TCGA-LUAD']` of a table that holds TCGA-LUSC too).
   */
  of?: readonly string[];
}

export interface PublishedTable {
  readonly path: string;
  readonly kind: TableKind;
  readonly rows: readonly LabelRow[];
  /** What a row stands for. */
  readonly unit: 'slide' | 'case';
  readonly leftOut: readonly LeftOutRow[];
}

/** A row that was left out: a patient among slides, a class of another cohort, an outcome that is not known. */
export interface LeftOutRow {
  readonly id: string;
  readonly reason: string;
  /** The class that a list of slides or cases gives it: one that is not asked for, or one misspelt. */
  readonly unknownClass?: string;
}

/**
 * Reads a label or survival table as it was published, told apart by its header: any table that `readLabels` reads (the lists of MHIM-MIL,
 * RRT-MIL, CLAM, IBMIL, MCAT and PORPOISE), CAMELYON16's `reference.csv`, CAMELYON17's `stage_labels.csv`, the `clinical.tsv` of the Genomic
 * Data Commons (months of 30 days, as in the official survival lists), `data_clinical_patient.txt` of cBioPortal.
 * @throws MhimError naming file, line and remedy
 */
export async function readPublishedTable(path: string, options: PublishedTableOptions = {}): Promise<PublishedTable> {
  return parsePublishedTable(await readTableText(path), path, options);
}

/** {@link readPublishedTable} of a text. */
export function parsePublishedTable(text: string, path: string, options: PublishedTableOptions = {}): PublishedTable {
  const body = text.replace(/^\ufeff?(?:#.*\n)+/, '');
  const records = csvRecords(body, path);
  const kind = kindOf(records);
  const read = readers[kind];
  const { rows, unit, leftOut } = read(new Reader(path, records, body, options));
  if (rows.length === 0) {
    throw new MhimError('none of its rows belongs to this data set.', {
      code: 'data',
      path,
      hint: `Left out: ${
        leftOut
          .slice(0, 3)
          .map(({ id, reason }) => `${id} (${reason})`)
          .join(', ') || 'nothing'
      }. Is it the right table?`,
    });
  }
  return { path, kind, rows, unit, leftOut };
}

interface Content {
  rows: LabelRow[];
  unit: 'slide' | 'case';
  leftOut: LeftOutRow[];
}

function kindOf([first, second]: readonly CsvRecord[]): TableKind {
  const names = (first?.cells ?? []).map(lastPart);
  if (names.includes('patient') && names.includes('stage')) return 'camelyon17-stages';
  if (names.includes('os_months') && names.includes('os_status')) return 'cbioportal-clinical';
  if (names.includes('submitter_id') || names.includes('case_submitter_id')) {
    if (names.includes('vital_status') || names.includes('primary_diagnosis')) return 'gdc-clinical';
  }
  const isReference = ({ cells }: CsvRecord) => /^test_\d{3}(\.tif)?$/i.test(cells[0] ?? '') && cells.length >= 3;
  if ([first, second].some((record) => record && isReference(record))) return 'camelyon16-reference';
  return 'labels';
}

/** `vital_status` of `demographic.vital_status`, as newer files of the Genomic Data Commons name it. */
function lastPart(name: string): string {
  return name.toLowerCase().split('.').at(-1) as string;
}

/**
 * Where each column is, by the last part of its name. Newer files of the Genomic Data Commons have a `submitter_id` for case, diagnosis
 * and treatment each: the case's counts, else the first.
 */
function placesOf(header: readonly string[]): ReadonlyMap<string, number> {
  const places = new Map<string, number>();
  for (const ofCase of [true, false]) {
    header.forEach((name, place) => {
      const part = lastPart(name);
      if (/^cases\./i.test(name) === ofCase && !places.has(part)) places.set(part, place);
    });
  }
  return places;
}

class Reader {
  private readonly classes: ReadonlyMap<string, number> | undefined;
  private readonly of: readonly string[] | undefined;

  constructor(
    readonly path: string,
    readonly records: readonly CsvRecord[],
    readonly text: string,
    { classes, of }: PublishedTableOptions,
  ) {
    this.of = of?.map((name) => name.toLowerCase());
    this.classes = classes && new Map(Object.entries(classes).map(([name, label]) => [name.toLowerCase(), label]));
  }

  classOf(name: string): number | undefined {
    return this.classes?.get(name.toLowerCase());
  }

  get header(): readonly string[] {
    return this.records[0]?.cells ?? [];
  }

  /** The rows below the header, as functions from a column's name to its value; GDC writes `'--` for what is not known. */
  body(): { line: number; get: (...names: string[]) => string | undefined }[] {
    const places = placesOf(this.header);
    return this.records.slice(1).map(({ cells, line }) => ({
      line,
      get: (...names) => {
        for (const name of names) {
          const place = places.get(name);
          const value = place === undefined ? '' : (cells[place] ?? '');
          if (!/^(?:'?--|nan|na|n\/a|not reported|\[not available\]|)$/i.test(value)) return value;
        }
        return undefined;
      },
    }));
  }

  /** Whether a case of these projects and diagnoses is of the data set. */
  isOf(names: readonly string[]): boolean {
    return !this.of || names.length === 0 || names.some((name) => this.of?.includes(name.toLowerCase()));
  }

  get classNames(): string {
    return [...(this.classes?.keys() ?? [])].join(', ');
  }

  get numbersClasses(): boolean {
    return this.classes !== undefined;
  }
}

const readers: Record<TableKind, (reader: Reader) => Content> = {
  labels: readList,
  'camelyon16-reference': readReference,
  'camelyon17-stages': readStages,
  'gdc-clinical': readGdc,
  'cbioportal-clinical': readCBioPortal,
};

/** Any list of slides or cases. MCAT's tables have the class in `oncotree_code`. */
function readList(reader: Reader): Content {
  const { text, path, header } = reader;
  const oncotree = header.find((name) => name.toLowerCase() === 'oncotree_code');
  const options = oncotree !== undefined && !hasLabel(header) ? { columns: { label: oncotree } } : {};
  const plain = parseLabels(text, path, options);
  const leftOut: Content['leftOut'] = [];
  const rows: LabelRow[] = [];
  for (const row of plain.rows) {
    const id = plain.unit === 'slide' ? slideName(row.id) : row.id;
    const name = row.label === undefined ? undefined : plain.classNames[row.label];
    const label = name === undefined ? undefined : reader.classOf(name);
    if (name === undefined || !reader.numbersClasses) rows.push({ ...row, id });
    else if (label === undefined && Number.isFinite(Number(name))) {
      throw rowError(path, row.line, `class ${name} is none of ${reader.classNames}`);
    } else if (label === undefined) leftOut.push({ id, reason: `class ${name}`, unknownClass: name });
    else rows.push({ ...row, id, label });
  }
  return { rows, unit: unitOf(plain.unit, rows), leftOut };
}

function hasLabel(header: readonly string[]): boolean {
  return header.some((name) => ['label', 'labels', 'class'].includes(name.toLowerCase()));
}

/** A list that says only ID is one of cases where its names are cases', as in the official lists. */
function unitOf(unit: 'slide' | 'case' | 'row', rows: readonly LabelRow[]): 'slide' | 'case' {
  if (unit !== 'row') return unit;
  return rows.every(({ id }) => isCaseName(id)) ? 'case' : 'slide';
}

function isCaseName(name: string): boolean {
  return /^TCGA-[A-Z0-9]{2}-[A-Z0-9]{4}$|^C3[LN]-\d{5}$|^patient_\d{3}$/i.test(name);
}

/** `test_001,Tumor,IDC,Macro`, mostly without a header. */
function readReference({ records, path }: Reader): Content {
  const rows = records.flatMap(({ cells, line }): LabelRow[] => {
    const [id = '', kind = ''] = cells;
    if (!/^test_\d{3}/i.test(id)) return [];
    const name = kind.toLowerCase();
    if (name !== 'normal' && name !== 'tumor') throw rowError(path, line, `expected Normal or Tumor, got "${kind}"`);
    return [{ id: slideName(id), label: name === 'tumor' ? 1 : 0, split: 'test', line }];
  });
  return { rows, unit: 'slide', leftOut: [] };
}

/**
 * `patient_000_node_0.tif,negative`, and a row with the stage of each patient, which is left out. Isolated tumour cells are no
 * metastasis (TNM 7th edition), which is how the challenge and the lists in use count them.
 */
function readStages(reader: Reader): Content {
  const leftOut: Content['leftOut'] = [];
  const rows = reader.body().flatMap(({ line, get }): LabelRow[] => {
    const id = slideName(get('patient') ?? '');
    const stage = (get('stage') ?? '').toLowerCase();
    if (/^patient_\d{3}(?:\.zip)?$/i.test(id)) {
      leftOut.push({ id, reason: `stage of the patient, ${stage}` });
      return [];
    }
    if (!Object.hasOwn(stages, stage)) {
      throw rowError(reader.path, line, `expected negative, itc, micro or macro, got "${stage}"`);
    }
    const caseId = caseOfSlide(id);
    return [{ id, ...(caseId !== undefined && { caseId }), label: stages[stage], split: 'train', line }];
  });
  return { rows, unit: 'slide', leftOut };
}

const stages: Record<string, number> = { negative: 0, itc: 0, micro: 1, macro: 1 };

const DAYS_PER_MONTH = 30;

/** Several rows a case, one for each diagnosis and treatment, of which the first that says something counts. */
function readGdc(reader: Reader): Content {
  const cases = new Map<string, { line: number; label?: number; time?: number; event?: 0 | 1; named: string[] }>();
  for (const { line, get } of reader.body()) {
    const id = get('case_submitter_id', 'submitter_id');
    if (id === undefined) throw rowError(reader.path, line, 'the row names no case');
    const known = cases.get(id) ?? { line, named: [] };
    const names = [get('project_id'), get('primary_diagnosis')].flatMap((name) => name ?? []);
    known.named.push(...names);
    for (const name of names) known.label ??= reader.classOf(name);
    const dead = get('vital_status')?.toLowerCase() === 'dead';
    const days = Number(dead ? get('days_to_death') : (get('days_to_last_follow_up') ?? NaN));
    if (get('vital_status') !== undefined && Number.isFinite(days) && days >= 0) {
      const time = days / DAYS_PER_MONTH;
      // The latest follow-up of a case stands.
      if (known.time === undefined || (known.event === 0 && (dead || time > known.time))) {
        known.time = time;
        known.event = dead ? 1 : 0;
      }
    }
    cases.set(id, known);
  }
  return ofCases(reader, cases);
}

/** OS_STATUS is `1:DECEASED` or `DECEASED`, OS_MONTHS the time. */
function readCBioPortal(reader: Reader): Content {
  const cases = new Map<string, { line: number; label?: number; time?: number; event?: 0 | 1; named: string[] }>();
  for (const { line, get } of reader.body()) {
    const id = get('patient_id', 'case_id');
    if (id === undefined) throw rowError(reader.path, line, 'the row names no patient');
    const [status, months] = [get('os_status')?.toUpperCase(), Number(get('os_months') ?? NaN)];
    const names = [get('subtype'), get('cancer_type_acronym'), get('cancer_type_detailed')].flatMap(
      (name) => name ?? [],
    );
    const label = names.map((name) => reader.classOf(name)).find((value) => value !== undefined);
    const known = status !== undefined && Number.isFinite(months) && months >= 0;
    cases.set(id, {
      line,
      named: names,
      ...(label !== undefined && { label }),
      ...(known && { time: months, event: /^1|DECEASED/.test(status) ? 1 : 0 }),
    });
  }
  return ofCases(reader, cases);
}

/** A case has to say a class or an outcome to be of use; which of them, the data set asks. */
function ofCases(
  reader: Reader,
  cases: ReadonlyMap<string, { line: number; label?: number; time?: number; event?: 0 | 1; named: string[] }>,
): Content {
  const leftOut: Content['leftOut'] = [];
  const rows: LabelRow[] = [];
  for (const [id, { named, ...row }] of cases) {
    if (!reader.isOf(named)) leftOut.push({ id, reason: named[0] as string });
    else if (row.label === undefined && row.time === undefined) {
      leftOut.push({
        id,
        reason: named[0] === undefined ? 'neither class nor outcome' : `class ${named[0]}, no outcome`,
      });
    } else rows.push({ id, caseId: id, ...row });
  }
  return { rows, unit: 'case', leftOut };
}

function rowError(path: string, line: number, what: string): MhimError {
  return new MhimError(`line ${line}: ${what}.`, { code: 'data', path, hint: 'Correct the row.' });
}
