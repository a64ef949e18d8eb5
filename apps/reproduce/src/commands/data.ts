import { EXTRACTORS, type ExtractorName } from '@mhim/datasets';
import { writeFileAtomic } from '@mhim/tensor';
import { countProgress } from '@mhim/training';
import { Option, type Command } from 'commander';
import { COHORTS } from '../cohorts/catalogue.js';
import { checkCohort, type CohortCounts, type CohortReport } from '../cohorts/check-cohort.js';
import type { Cohort } from '../cohorts/cohort.js';
import { cohortNamed, some } from '../cohorts/open-cohort.js';
import { EXIT } from '../failure.js';
import type { Interrupts } from '../interrupt.js';
import { aligned } from '../text-table.js';

interface CheckFlags {
  root: string;
  extractor?: ExtractorName;
  labels?: string;
  quick?: boolean;
  json?: string;
}

/** `data list` and `data check`. */
export function dataCommand(program: Command, interrupts: Interrupts): void {
  const data = program
    .command('data')
    .description('the data sets of the paper: what they consist of, and whether one is whole on disk')
    .addHelpText('after', `\nExamples:${EXAMPLES}`);
  data
    .command('list')
    .argument('[set]', 'one data set, with everything known of it')
    .description('the data sets, or where the slides and labels of one come from and what is expected on disk')
    .option('--json', 'print it as JSON')
    .action((set: string | undefined, { json = false }: { json?: boolean }) => {
      const cohorts = set === undefined ? COHORTS : [cohortNamed(set)];
      if (json) process.stdout.write(`${JSON.stringify(cohorts, null, 2)}\n`);
      else process.stdout.write(`${set === undefined ? listed(cohorts) : described(cohorts[0] as Cohort)}\n`);
    });
  data
    .command('check')
    .argument('<set>', 'name of the data set; see reproduce data list')
    .description(
      'say what is missing, mismatched, twice or without label before anything trains; exit code 65 if anything is',
    )
    .requiredOption('--root <dir>', 'where the features lie')
    .addOption(new Option('--extractor <name>', 'encoder of the features').choices(Object.keys(EXTRACTORS)))
    .option('--labels <path>', 'label table, or the folder it lies in; default below the root')
    .option('--quick', 'do not read the feature files, only their names')
    .option('--json <file>', 'write the report with all names as JSON too')
    .addHelpText('after', `\nExamples:${EXAMPLES}`)
    .action(async (set: string, { json, ...flags }: CheckFlags) => {
      const progress = countProgress('Reading features');
      let report: CohortReport;
      try {
        report = await checkCohort({ set, ...flags, signal: interrupts.signal, onFile: progress.update });
      } finally {
        progress.stop();
      }
      if (json !== undefined) writeFileAtomic(json, `${JSON.stringify(report, null, 2)}\n`);
      const cut = json === undefined && report.problems.some(({ ids }) => some(ids).endsWith('…'));
      process.stdout.write(
        `${reported(report, cohortNamed(set))}\n${cut ? 'All names: the same with --json FILE.\n' : ''}`,
      );
      if (!report.ok) process.exitCode = EXIT.data;
    });
}

const EXAMPLES = `
  $ reproduce data list tcga-brca
  $ reproduce data check tcga-brca --root features/ --extractor uni
  $ reproduce data check camelyon --root features/ --labels tables/ --quick --json report.json`;

function listed(cohorts: readonly Cohort[]): string {
  const rows = cohorts.map(({ name, task, unit, lists, paper, trainedOn, title }) => [
    name,
    task,
    unit,
    String(lists?.cases ?? paper?.cases ?? ''),
    String(lists?.slides ?? paper?.slides ?? ''),
    trainedOn ?? '',
    title,
  ]);
  return aligned([['data set', 'task', 'a bag', 'cases', 'slides', 'trained on', ''], ...rows]);
}

function described(cohort: Cohort): string {
  const {
    name,
    title,
    slides,
    labels,
    tables,
    folders,
    cptac,
    folds,
    trainedOn,
    lists,
    paper,
    excluded,
    notes = [],
  } = cohort;
  const counts = [
    ...(lists ? [`${lists.slides} slides of ${lists.cases} cases in the published lists`] : []),
    ...(paper ? [`${paper.slides} of ${paper.cases} in the paper, ${paper.patches} patches a slide`] : []),
  ];
  const word = folders[0]?.[0] ?? name;
  const first = cptac ? `cptac_${word}` : word;
  const lines = [
    `${name}: ${title}`,
    ...(counts.length > 0 ? [`  Counts     ${counts.join('; ')}`] : []),
    `  Slides     ${slides.what}. ${slides.where}`,
    `  Labels     ${labels.what}. ${labels.where}`,
    `  Tables     ${tables.map((files) => files.join(' with ')).join(', ')}`,
    `  Features   ROOT/${first}/uni/pt_files/SLIDE.pt (the authors’ release; r50, plip), ROOT/pt_files (CLAM), ROOT/20x_256px_0px_overlap/features_uni_v1 (TRIDENT), ROOT/*.h5`,
    `  Folds      ${folds.length > 0 ? folds.join(', ') : `none: a test set for models trained on ${trainedOn}`}`,
    ...Object.entries(excluded ?? {}).map(([slide, reason]) => `  Excluded   ${slide}: ${reason}`),
    ...notes.map((note) => `  Note       ${note}`),
  ];
  return lines.join('\n');
}

function reported(
  { set, root, folders, tables, counts, problems, filesRead, ok }: CohortReport,
  cohort: Cohort,
): string {
  const rows = problems.flatMap(({ severity, what, ids, details, hint }) => [
    `${severity.padEnd(7)}  ${counted(ids.length, what)}`,
    ...(details ? details.slice(0, 5) : ids.length > 0 ? [some(ids)] : []).map((line) => `${INDENT}${line}`),
    ...(hint ? [`${INDENT}→ ${hint}`] : []),
  ]);
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  const verdict = ok
    ? `${cohort.name} can be ${cohort.trainedOn === undefined ? 'trained on' : 'tested on'}${filesRead ? '' : ', if its files are sound: they were not read'}.`
    : `${cohort.name} cannot be used yet: ${errors} ${errors === 1 ? 'problem' : 'problems'}.`;
  return [
    `${cohort.title} (${set}) below ${root}`,
    ...(folders.length > 0 ? [`Features: ${folders.join(', ')}`] : []),
    ...(tables.length > 0 ? [`Labels: ${tables.join(', ')}`] : []),
    ...(counts ? [found(counts)] : []),
    ...rows,
    verdict,
  ].join('\n');
}

const INDENT = ' '.repeat(9);

/** `1 slide with …`, `3 slides with …`; what befalls nothing in particular stands alone. */
function counted(count: number, what: string): string {
  if (count === 0) return what;
  return `${count} ${count === 1 ? what.replace(/^(row|slide|file)s/, '$1') : what}`;
}

function found({ slides, cases, classes, deaths, patches }: CohortCounts): string {
  const parts = [
    `${slides} slides of ${cases} cases`,
    ...Object.entries(classes ?? {}).map(([name, n]) => `${n} ${name}`),
    ...(deaths === undefined ? [] : [`${deaths} deaths`]),
    ...(patches === undefined ? [] : [`${Math.round(patches)} patches a slide`]),
  ];
  return `Found: ${parts.join(', ')}`;
}
