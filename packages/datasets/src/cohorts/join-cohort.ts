import type { BagInfo } from '../bag.js';
import { caseOfSlide } from '../labels-table.js';
import { bagId } from '../formats/read-bag-file.js';
import type { LabelRow } from '../label-row.js';
import type { FeatureFile } from './find-features.js';
import { isDiagnostic, slideBarcode, slideName } from './slide-names.js';

export interface CohortRules {
  /** What every bag needs: a class, or a time and an event. */
  target: 'label' | 'outcome';
  /** Slides that are no part of the data set, by name, with the reason. */
  excluded?: Readonly<Record<string, string>>;
  /** The class in a slide's name, for slides that no table lists (CAMELYON16's `normal_001`). */
  labelOfName?: (name: string) => number | undefined;
}

/** A table's rows, and whether they are slides or cases. */
export interface CohortTable {
  readonly rows: readonly LabelRow[];
  readonly unit: 'slide' | 'case';
}

/** A slide that has both features and target. */
export interface CohortSlide {
  readonly info: BagInfo;
  readonly file: FeatureFile;
}

/** Feature files and table rows, every one accounted for. */
export interface CohortJoin {
  readonly slides: readonly CohortSlide[];
  /** Rows whose slide, or all of whose case's slides, have no features. */
  readonly missing: readonly LabelRow[];
  /** Slides without features that a row names of a case that has others. */
  readonly missingSlides: readonly string[];
  /** Files that no row names. */
  readonly unlabelled: readonly FeatureFile[];
  /** Files of slides of frozen tissue, which the published lists leave out. */
  readonly frozen: readonly FeatureFile[];
  /** Files and rows that the data set excludes. */
  readonly excluded: readonly { readonly id: string; readonly reason: string }[];
  /** Several files of one slide. */
  readonly duplicates: readonly { readonly id: string; readonly paths: readonly string[] }[];
  /** Rows without the class or the outcome that is wanted. */
  readonly withoutTarget: readonly LabelRow[];
}

/**
 * Gives feature files their rows. A row of a slide belongs to the file of its name, with or without the image's extension and TCGA's file
 * identifier; a row of a case to all diagnostic slides of the case. Throws nothing: what does not fit is listed.
 */
export function joinCohort(files: readonly FeatureFile[], table: CohortTable, rules: CohortRules): CohortJoin {
  const { excluded: exclusions = {}, labelOfName } = rules;
  const excluded: CohortJoin['excluded'][number][] = [];
  const reasonOf = (id: string) => (Object.hasOwn(exclusions, id) ? exclusions[id] : undefined);
  const withoutTarget: LabelRow[] = [];
  const rows = table.rows.filter((row) => {
    if (reasonOf(row.id) !== undefined) return false;
    const whole =
      rules.target === 'label' ? row.label !== undefined : row.time !== undefined && row.event !== undefined;
    if (!whole) withoutTarget.push(row);
    return whole;
  });
  const find = finder({ rows, unit: table.unit });
  const incomplete = finder({ rows: withoutTarget, unit: table.unit });
  const seen = new Map<string, { name: string; paths: string[] }>();
  const used = new Set<LabelRow>();
  const [slides, unlabelled, frozen]: [CohortSlide[], FeatureFile[], FeatureFile[]] = [[], [], []];
  for (const file of files) {
    const name = slideName(file.id);
    const reason = reasonOf(name);
    if (reason !== undefined) {
      excluded.push({ id: name, reason });
      continue;
    }
    const row = find(name);
    if (!row && !isDiagnostic(name)) {
      frozen.push(file);
      continue;
    }
    const label = row || rules.target !== 'label' ? undefined : labelOfName?.(name);
    if (!row && label === undefined) {
      if (!incomplete(name)) unlabelled.push(file);
      continue;
    }
    if (row && table.unit === 'case' && !isDiagnostic(name)) {
      frozen.push(file);
      continue;
    }
    // Of a list of slides one row is one slide; of a case the slides are told by their names.
    const slide = row && table.unit === 'slide' ? row.id : slideBarcode(name);
    const before = seen.get(slide);
    if (before) {
      before.paths.push(file.path);
      continue;
    }
    seen.set(slide, { name, paths: [file.path] });
    if (row) used.add(row);
    slides.push({ info: infoOf(name, row, label, table.unit, rules), file });
  }
  return {
    slides,
    missing: rows.filter((row) => !used.has(row)),
    missingSlides: [...used].flatMap((row) => slidesOf(row).filter((name) => !seen.has(slideBarcode(name)))),
    unlabelled,
    frozen,
    excluded: [
      ...excluded,
      ...table.rows.flatMap(({ id }) => {
        const reason = reasonOf(id);
        return reason === undefined || excluded.some((other) => other.id === id) ? [] : [{ id, reason }];
      }),
    ],
    duplicates: [...seen.values()].flatMap(({ name, paths }) => (paths.length > 1 ? [{ id: name, paths }] : [])),
    withoutTarget,
  };
}

/** The diagnostic slides that a case's row names, without the extension of whatever file it lists: names that begin with the case's. */
function slidesOf({ id, slides = [] }: LabelRow): string[] {
  const names = slides.map((path) => slideName(bagId(path.replaceAll('\\', '/'))));
  return names.filter((name) => isDiagnostic(name) && (caseOfSlide(name) ?? beginnings(name).at(-1)) === id);
}

/** Finds a slide's row by its name. */
function finder({ rows, unit }: CohortTable): (name: string) => LabelRow | undefined {
  const byName = new Map(rows.map((row) => [unit === 'slide' ? slideName(row.id) : row.id, row]));
  if (unit === 'case') {
    return (name) => {
      const ofCase = byName.get(caseOfSlide(name) ?? name);
      return ofCase ?? beginnings(name).flatMap((start) => byName.get(start) ?? [])[0];
    };
  }
  const byBarcode = new Map<string, LabelRow | undefined>();
  for (const row of rows) {
    const barcode = slideBarcode(row.id);
    // Two slides of one barcode are told apart by their full names only.
    byBarcode.set(barcode, byBarcode.has(barcode) ? undefined : row);
  }
  return (name) => byName.get(name) ?? byBarcode.get(slideBarcode(name));
}

/** The beginnings of a name that end before a sign that is no letter and no digit, the longest first. */
function beginnings(name: string): string[] {
  return [...name.matchAll(/[^a-z0-9]/gi)].map(({ index }) => name.slice(0, index)).reverse();
}

function infoOf(
  name: string,
  row: LabelRow | undefined,
  label: number | undefined,
  unit: 'slide' | 'case',
  { target }: CohortRules,
): BagInfo {
  const caseId = row && unit === 'case' ? row.id : (row?.caseId ?? caseOfSlide(name));
  const of = target === 'label' ? { label: row?.label ?? label } : { time: row?.time, event: row?.event };
  return {
    id: name,
    ...(caseId !== undefined && { caseId }),
    ...of,
    ...(row?.split !== undefined && { split: row.split }),
  };
}
