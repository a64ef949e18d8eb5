import { existsSync } from 'node:fs';
import { relative } from 'node:path';
import {
  caseBags,
  checkFiles,
  EXTRACTORS,
  openBags,
  verifyBagStore,
  type BagInfo,
  type BagSource,
  type CohortJoin,
  type ExtractorName,
  type FileProblem,
} from '@mhim/datasets';
import { MhimError } from '@mhim/tensor';
import type { Cohort } from './cohort.js';
import { readTables } from './find-tables.js';
import { cohortNamed, locateCohort, requireWidth, type LocatedCohort, type OpenCohortOptions } from './open-cohort.js';

export type Severity = 'error' | 'warning' | 'note';

/** One kind of thing that is amiss, with all that it befalls. */
export interface CohortProblem {
  readonly severity: Severity;
  readonly kind: string;
  readonly what: string;
  /** Slides, cases or rows, where the problem is theirs. */
  readonly ids: readonly string[];
  /** What is the matter with each of them, where it differs. */
  readonly details?: readonly string[];
  readonly hint?: string;
}

export interface CohortCounts {
  readonly cases: number;
  readonly slides: number;
  /** Slides of each class. */
  readonly classes?: Readonly<Record<string, number>>;
  /** Cases that died. */
  readonly deaths?: number;
  /** Average of a slide, where the files were read. */
  readonly patches?: number;
}

export interface CohortReport {
  readonly set: string;
  readonly root: string;
  readonly extractor?: ExtractorName;
  /** Folders of features, below the root. */
  readonly folders: readonly string[];
  readonly tables: readonly string[];
  readonly counts?: CohortCounts;
  readonly problems: readonly CohortProblem[];
  /** False where the files were not read. */
  readonly filesRead: boolean;
  /** Whether it can be trained on: no problem is an error. */
  readonly ok: boolean;
}

export interface CheckCohortOptions extends Omit<OpenCohortOptions, 'onMissing' | 'log'> {
  /** Do not read the feature files. */
  quick?: boolean;
  onFile?: (done: number, total: number) => void;
  signal?: AbortSignal;
}

/** Says everything that is missing, mismatched, twice or without label in a data set on disk; throws for nothing of that. */
export async function checkCohort(options: CheckCohortOptions): Promise<CohortReport> {
  const { set, root, extractor, quick = false } = options;
  const about = { set, root, ...(extractor && { extractor }) };
  let located: LocatedCohort;
  try {
    located = await locateCohort(options);
  } catch (error) {
    if (!(error instanceof MhimError) || error.path === '--data-set') throw error;
    const messages = new Set([error.message, ...(await troubleWithTables(options))]);
    const problems = [...messages].map((what): CohortProblem => ({
      severity: 'error',
      kind: 'not-found',
      what,
      ids: [],
    }));
    return { ...about, folders: [], tables: [], problems, filesRead: false, ok: false };
  }
  const { cohort, folders, tables, join: joined } = located;
  const problems = [...leftOutOfTables(located), ...joinProblems(joined, root), ...caseProblems(joined, cohort)];
  const files = quick ? undefined : await filesOf(located, options);
  if (files) problems.push(...files.problems);
  const counts = countsOf(joined, cohort, files?.patches);
  problems.push(...comparison(counts, cohort));
  problems.sort((a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity));
  return {
    ...about,
    folders: folders.map(({ path }) => relative(root, path) || '.'),
    tables: tables.files.map(({ path }) => path),
    counts,
    problems,
    filesRead: files !== undefined,
    ok: problems.every(({ severity }) => severity !== 'error'),
  };
}

/** What is wrong with the tables, where the features are not even found. */
async function troubleWithTables({ set, root, labels }: CheckCohortOptions): Promise<string[]> {
  // That there is no such folder has been said.
  if (labels === undefined && !existsSync(root)) return [];
  try {
    await readTables(cohortNamed(set), root, labels);
    return [];
  } catch (error) {
    if (!(error instanceof MhimError)) throw error;
    return [error.message];
  }
}

const ORDER: readonly Severity[] = ['error', 'warning', 'note'];

function leftOutOfTables({ tables }: LocatedCohort): CohortProblem[] {
  const leftOut = tables.files.flatMap((file) => file.leftOut);
  const reasonsOf = (rows: typeof leftOut) => {
    const reasons = [...new Set(rows.map(({ reason }) => reason))];
    return reasons.length > 4 ? `${reasons.slice(0, 4).join('; ')} …` : reasons.join('; ');
  };
  const ofKind = (kind: string, severity: Severity, rows: typeof leftOut, hint?: string): CohortProblem => ({
    severity,
    kind,
    what: `rows of the table that are not of the data set, left out (${reasonsOf(rows)})`,
    ids: rows.map(({ id }) => id),
    hint,
  });
  const unknown = leftOut.filter(({ unknownClass }) => unknownClass !== undefined);
  const others = leftOut.filter(({ unknownClass }) => unknownClass === undefined);
  return [
    ofKind('unknown-class', 'warning', unknown, 'no matter, unless the class is misspelt: then correct the table'),
    ofKind('other-rows', 'note', others),
  ].filter(({ ids }) => ids.length > 0);
}

function joinProblems(joined: CohortJoin, root: string): CohortProblem[] {
  const { slides, missing, missingSlides, duplicates, unlabelled, frozen, excluded, withoutTarget } = joined;
  const ids = (rows: readonly { id: string }[]) => rows.map(({ id }) => id);
  const all: CohortProblem[] = [
    {
      severity: 'error',
      kind: 'missing',
      what: 'rows of the table without features',
      ids: ids(missing),
      hint: 'extract them, or train with --on-missing skip',
    },
    {
      severity: 'error',
      kind: 'missing-slides',
      what: 'slides without features, of cases that have others',
      ids: missingSlides,
      hint: 'extract them, or train on part of the case with --on-missing skip',
    },
    {
      severity: 'error',
      kind: 'duplicate',
      what: 'slides with several files',
      ids: ids(duplicates),
      details: duplicates.map(({ paths }) => paths.map((path) => relative(root, path)).join(' and ')),
      hint: 'keep one, or train with --on-missing skip, which takes the first',
    },
    {
      severity: 'warning',
      kind: 'no-target',
      what: 'rows without class or outcome, left out',
      ids: ids(withoutTarget),
    },
    {
      severity: 'warning',
      kind: 'unlabelled',
      what: 'files that the table does not name, left out',
      ids: ids(unlabelled),
      hint: 'no matter, where the folder holds other sets too',
    },
    { severity: 'note', kind: 'frozen', what: 'slides of frozen tissue, left out', ids: ids(frozen) },
    {
      severity: 'note',
      kind: 'excluded',
      what: `slides excluded (${excluded[0]?.reason})`,
      ids: ids(excluded),
    },
  ];
  const found = all.filter((problem) => problem.ids.length > 0);
  if (slides.length > 0) return found;
  return [
    {
      severity: 'error',
      kind: 'nothing',
      what:
        missing.length === 0 && withoutTarget.length > 0
          ? 'no row of the table says what is to be learnt (a class, or a time and a status)'
          : 'no slide here is in the label table',
      ids: [],
      hint: 'is it the right table?',
    },
    ...found.filter(({ kind }) => kind !== 'missing'),
  ];
}

/** Slides of a case that differ in what a case has once, and classes that nobody has. */
function caseProblems({ slides }: CohortJoin, cohort: Cohort): CohortProblem[] {
  const bags = slides.map(({ info }): BagInfo => info);
  const problems: CohortProblem[] = [];
  if (cohort.unit === 'case') {
    try {
      caseBags({ bags } as unknown as BagSource);
    } catch (error) {
      if (!(error instanceof MhimError)) throw error;
      problems.push({ severity: 'error', kind: 'case', what: error.message, ids: [] });
    }
    if (bags.length > 0 && bags.every(({ event }) => event === 0)) {
      const hint = 'is the status column the right way round (1 = died)?';
      problems.push({ severity: 'error', kind: 'no-deaths', what: 'all cases are censored', ids: [], hint });
    }
  }
  const absent = (cohort.classes?.names ?? []).filter((_, label) => !bags.some((bag) => bag.label === label));
  if (absent.length > 0 && bags.length > 0) {
    problems.push({ severity: 'error', kind: 'class', what: `no slide of class ${absent.join(', ')}`, ids: [] });
  }
  return problems;
}

async function filesOf(
  { isStore, join: joined }: LocatedCohort,
  { root, extractor, onFile, signal }: CheckCohortOptions,
): Promise<{ problems: CohortProblem[]; patches?: number }> {
  if (isStore) {
    try {
      await verifyBagStore(root);
      const store = await openBags(root);
      await store.close();
      requireWidth(store, root, extractor);
      return { problems: [] };
    } catch (error) {
      if (!(error instanceof MhimError)) throw error;
      return { problems: [{ severity: 'error', kind: 'unreadable', what: error.message, ids: [] }] };
    }
  }
  const files = joined.slides.map(({ info, file }) => ({ id: info.id, path: file.path }));
  const width = extractor && EXTRACTORS[extractor].width;
  const check = await checkFiles(files, { width, signal, onFile: (done) => onFile?.(done, files.length) });
  const counts = [...check.instances.values()];
  const patches = counts.length === 0 ? undefined : counts.reduce((a, b) => a + b, 0) / counts.length;
  return { problems: grouped(check.problems, root), ...(patches !== undefined && { patches }) };
}

const ofFiles: Record<FileProblem['kind'], Pick<CohortProblem, 'severity' | 'what' | 'hint'>> = {
  unreadable: { severity: 'error', what: 'files that cannot be used', hint: 'extract these slides again' },
  width: { severity: 'error', what: 'files of another encoder', hint: 'extract all slides with one encoder' },
  'patch-count': {
    severity: 'warning',
    what: 'slides whose coordinates are of another number of patches',
    hint: 'models that use positions, and heatmaps, cannot use them; extract again in one run',
  },
  'repeated-patches': {
    severity: 'warning',
    what: 'slides with patches in one place',
    hint: 'were patches of two magnifications or runs put together?',
  },
};

/** Problems of one kind together, paths below the root. */
function grouped(problems: readonly FileProblem[], root: string): CohortProblem[] {
  return (Object.keys(ofFiles) as FileProblem['kind'][]).flatMap((kind) => {
    const own = problems.filter((problem) => problem.kind === kind);
    if (own.length === 0) return [];
    const details = own.map(({ id, what }) => {
      const short = what.replaceAll(`${root}/`, '');
      return short.includes(id) ? short : `${id}: ${short}`;
    });
    return [{ kind, ...ofFiles[kind], ids: own.map(({ id }) => id), details }];
  });
}

function countsOf({ slides }: CohortJoin, { classes, task }: Cohort, patches?: number): CohortCounts {
  const cases = new Map(slides.map(({ info }) => [info.caseId ?? info.id, info]));
  const ofClass = (label: number) => slides.filter(({ info }) => info.label === label).length;
  return {
    cases: cases.size,
    slides: slides.length,
    ...(classes && { classes: Object.fromEntries(classes.names.map((name, label) => [name, ofClass(label)])) }),
    ...(task === 'survival' && { deaths: [...cases.values()].filter(({ event }) => event === 1).length }),
    ...(patches !== undefined && { patches }),
  };
}

/** Our numbers beside the published ones. */
function comparison(counts: CohortCounts, { lists, paper }: Cohort): CohortProblem[] {
  const said: string[] = [];
  const compare = (what: string, found: number | undefined, published: number | undefined) => {
    if (found !== undefined && published !== undefined && found !== published) {
      said.push(`${found} ${what}, published ${published}`);
    }
  };
  compare('slides', counts.slides, lists?.slides);
  compare('cases', counts.cases, lists?.cases);
  compare('deaths', counts.deaths, lists?.deaths);
  Object.entries(counts.classes ?? {}).forEach(([name, n], label) => compare(`of ${name}`, n, lists?.classes?.[label]));
  const problems: CohortProblem[] = [];
  if (said.length > 0) {
    problems.push({
      severity: 'note',
      kind: 'counts',
      what: `counts differ from the published lists: ${said.join('; ')}`,
      ids: [],
    });
  }
  if (paper && counts.patches !== undefined && Math.abs(Math.log2(counts.patches / paper.patches)) > 1) {
    const what = `${Math.round(counts.patches)} patches a slide on average, the paper has ${paper.patches}`;
    const hint = 'the paper’s are of 256 pixels at 20×';
    problems.push({ severity: 'warning', kind: 'patches', what, ids: [], hint });
  }
  return problems;
}
