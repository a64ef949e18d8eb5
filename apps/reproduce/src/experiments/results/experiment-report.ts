import type {
  FoldValues,
  MetricDefinition,
  ModelResult,
  Note,
  Protocol as ReportProtocol,
  ReportData,
  SignificanceTest,
} from '@mhim/figures';
import { describedProtocols } from '../../report/report-data.js';
import { precisionRecallOf, rocOf, survivalOf, trainingOf } from '../../report/fold-curves.js';
import { modelName } from '../../report/model-names.js';
import type { Environment } from '../../run/environment.js';
import { definitions, survivalDefinitions } from '../../run/results.js';
import type { Protocol } from '../../run/train-run.js';
import { codeVersion } from '../../code-version.js';
import { VERSION } from '../../version.js';
import type { FigureName, GridExperiment, MetricName } from '../experiment.js';
import type { Job } from '../graph/job.js';
import type { JobStore } from '../graph/job-store.js';
import type { PlannedExperiment } from '../graph/plan.js';
import { titleOf } from './console-table.js';
import type { CellResult, ExperimentResult, Ours } from './experiment-result.js';
import { foldValues, publishedTables, sweepsOf } from './published-report.js';
import { shownTests, type TableTests } from './tests-of-table.js';
import { costsOf, METRIC_HEADINGS, trainedSeries, type SeriesInput, type TrainedSeries } from './trained-series.js';

export interface ReportedExperiment {
  experiment: GridExperiment;
  planned: PlannedExperiment;
  result: ExperimentResult;
  tests: TableTests;
}

export interface ExperimentReportInput {
  reported: readonly ReportedExperiment[];
  jobs: ReadonlyMap<string, Job>;
  store: JobStore;
  command: string;
}

/** Curves of more trainings than this make a page that nobody reads to its end. */
const MOST_SERIES = 12;

/** Tables and sweeps as the data of one HTML report; undefined where no training is done. */
export function experimentReport({ reported, jobs, store, command }: ExperimentReportInput): ReportData | undefined {
  const results = reported.map(({ result }) => result);
  const protocol: Protocol = results.some((result) => result.protocol === 'honest') ? 'honest' : 'paper';
  const inputs = ['table', 'sweep']
    .flatMap((kind) => reported.filter(({ result }) => result.kind === kind))
    .map(({ experiment, planned }): SeriesInput => ({ experiment, planned, jobs, store, protocol }));
  const series = inputs.flatMap(trainedSeries);
  const used = usedJobs(reported, jobs);
  const environment = environmentOf(used, store);
  if (!environment) return undefined;
  const drawn = chosen(series);
  const survival = drawn.filter(({ jobs: [job] }) => job?.config.task === 'survival');
  const twoClasses = drawn.filter((each) => !survival.includes(each) && isTwoClass(each));
  const tests = shown(reported);
  const rows = results.flatMap((result) => modelResults(result, protocol, results.length > 1));
  const metrics = metricsOf(results);
  return {
    title:
      results.length === 1
        ? titleOf(results[0] as ExperimentResult)
        : `${results.length} tables and figures of MHIM-v2`,
    dataSet: dataSetOf(used, results, store),
    run: {
      date: environment.startedAt,
      backend: environment.backend.summary.replace(/^Backend: |\.$/g, ''),
      seed: [...new Set(used.map(({ config }) => config.seed))].join(', '),
      command,
      versions: environment.versions,
      durations: durationsOf(used, store),
      config: Object.fromEntries(series.map(({ name, jobs: [job] }) => [name, job?.config])),
    },
    protocols: protocolsOf(rows, protocol),
    metrics,
    results: rows,
    spread: 'standard deviation over folds and seeds (n in the denominator)',
    published: results.filter(({ kind }) => kind === 'table').flatMap(publishedTables),
    sweeps: results.filter(({ kind }) => kind === 'sweep').flatMap(sweepsOf),
    tests,
    testsNote: testsNote(reported),
    survival: survival.flatMap((each) => named(each, survivalOf(each.stages, protocol, configOf(each)))),
    roc: twoClasses.flatMap((each) => named(each, rocOf(each.stages, protocol, configOf(each)))),
    precisionRecall: twoClasses.flatMap((each) =>
      named(each, precisionRecallOf(each.stages, protocol, configOf(each))),
    ),
    training: drawn
      .filter(({ external }) => !external)
      .flatMap((each) => named(each, trainingOf(each.stages, protocol, configOf(each)))),
    costs: inputs.flatMap(costsOf),
    notes: [...notesOf(results), ...leftOut(series, drawn)],
  };
}

/** Those of the methods and what they start from first, then the others, in the order of the tables. */
function chosen(series: readonly TrainedSeries[]): TrainedSeries[] {
  const rank = ({ jobs: [job] }: TrainedSeries) => (job?.config.model === 'mhim-v2' ? 0 : job?.config.base ? 2 : 1);
  return series
    .filter(({ stages }) => stages.length > 0)
    .map((each, i) => ({ each, i }))
    .sort((a, b) => rank(a.each) - rank(b.each) || a.i - b.i)
    .slice(0, MOST_SERIES)
    .sort((a, b) => a.i - b.i)
    .map(({ each }) => each);
}

function isTwoClass({ stages }: TrainedSeries): boolean {
  const test = stages[0]?.fit.best.test;
  return test !== undefined && 'probabilities' in test && test.probabilities[0]?.length === 2;
}

function configOf({ jobs }: TrainedSeries): Job['config'] {
  return (jobs[0] as Job).config;
}

function named<T extends { model: string }>({ name }: TrainedSeries, curves: readonly T[]): T[] {
  return curves.map((curve) => ({ ...curve, model: name }));
}

/** Of one table all that are asked for; of several those of MHIM-v2 itself, which a page of all has room for. */
function shown(reported: readonly ReportedExperiment[]): SignificanceTest[] {
  if (reported.length === 1) return reported.flatMap(({ tests }) => shownTests(tests));
  return reported.flatMap(({ tests: { protocol, pairs }, result }) => {
    const own = pairs.filter(({ ofMethod }) => ofMethod);
    return shownTests({ protocol, pairs: own }, titleOf(result).split(':')[0]);
  });
}

function testsNote(reported: readonly ReportedExperiment[]): string {
  const files = reported.map(({ result }) => `${result.id}-tests.csv`).join(', ');
  const asked = new Set(reported.flatMap(({ tests: { pairs } }) => pairs.flatMap((pair) => pair.asked)));
  const delong = reported.some(({ tests: { pairs } }) => pairs.some(({ tests }) => tests.length > 1));
  const both = reported.some(({ result: { rows } }) => rows.some(({ cells }) => cells.some((cell) => cell?.honest)));
  return [
    ...(asked.has('its baseline') ? ['Models are compared with what they started from (“its baseline”).'] : []),
    ...(asked.has('the best other model')
      ? [
          'MHIM-v2 also with the best other model of the same data; that it is the best these same test cases say, which favours it.',
        ]
      : []),
    ...(asked.has('the default') ? ['Rows that vary MHIM-v2 are compared with it as it is by default.'] : []),
    ...(reported.length > 1 ? ['This page has those of MHIM-v2 only, the pages of the tables have the others.'] : []),
    `All other pairs of models are in ${files}${delong ? ', with DeLong’s test of each' : ''}${both ? ', under both protocols' : ''}.`,
  ].join(' ');
}

/** Rows by protocol with the values of the folds behind them; a column of the report is a column of the tables. */
function modelResults(result: ExperimentResult, protocol: Protocol, several: boolean): ModelResult[] {
  const { columns, rows } = result;
  return rows.flatMap(({ group, label, cells }) => {
    const part = [...(several ? [titleOf(result).split(':')[0]] : []), ...(group === undefined ? [] : [group])].join(
      ', ',
    );
    const entry = (by: Protocol, of: (cell: CellResult) => Ours | undefined): ModelResult[] => {
      const measures = cells.flatMap((cell, i): [string, FoldValues][] => {
        const column = columns[i] as ExperimentResult['columns'][number];
        const ours = cell ? of(cell) : undefined;
        return ours && isFigure(column.metric) ? [[metricId(column), foldValues(ours, 0.01)]] : [];
      });
      const about = { model: label, ...(part === '' ? {} : { group: part }), protocol: by };
      return measures.length === 0 ? [] : [{ ...about, measures: Object.fromEntries(measures) }];
    };
    return [...entry(protocol, ({ ours }) => ours), ...entry('honest', ({ honest }) => honest)];
  });
}

const NAMES: Readonly<Record<FigureName, string>> = {
  accuracy: 'Accuracy',
  auc: 'AUC',
  f1: 'F1',
  f1Macro: 'F1, macro',
  cIndex: 'C-index',
};

function isFigure(metric: MetricName): metric is FigureName {
  return Object.hasOwn(NAMES, metric);
}

function metricId({ header, metric }: ExperimentResult['columns'][number]): string {
  return `${header.filter((part) => !METRIC_HEADINGS.test(part)).join(' ')}/${metric}`;
}

/** Columns that have any numbers. */
function metricsOf(results: readonly ExperimentResult[]): MetricDefinition[] {
  const found = new Map<string, MetricDefinition>();
  for (const { columns, rows } of results) {
    for (const [i, column] of columns.entries()) {
      const { metric } = column;
      const id = metricId(column);
      if (!isFigure(metric) || found.has(id) || !rows.some(({ cells }) => cells[i]?.ours)) continue;
      const term = NAMES[metric];
      const name = [id.slice(0, id.lastIndexOf('/')), term].filter(Boolean).join(' ');
      const definition = (metric === 'cIndex' ? survivalDefinitions : definitions)[metric] as string;
      found.set(id, { id, name, term, definition });
    }
  }
  return [...found.values()];
}

function protocolsOf(rows: readonly ModelResult[], main: Protocol): ReportProtocol[] {
  return (['honest', 'paper'] as const)
    .filter((id) => id === main || rows.some(({ protocol }) => protocol === id))
    .map((id) => describedProtocols[id]);
}

/** The jobs of all cells, then those that they start from. */
function usedJobs(reported: readonly ReportedExperiment[], jobs: ReadonlyMap<string, Job>): Job[] {
  const ids = new Set(
    reported.flatMap(({ planned }) => planned.cells.flatMap(({ jobs: own, honest = [] }) => [...own, ...honest])),
  );
  // What is added while a set is walked is walked too.
  for (const id of ids) for (const start of jobs.get(id)?.needs ?? []) ids.add(start);
  return [...ids].flatMap((id) => jobs.get(id) ?? []);
}

type Surroundings = Pick<Environment, 'startedAt' | 'backend'> & { versions: Record<string, string> };

/** Of the first training; where only costs were measured, the machine that they say. */
function environmentOf(used: readonly Job[], store: JobStore): Surroundings | undefined {
  let measured: Surroundings | undefined;
  for (const { id } of used) {
    const found = store.folder(id).readJson<Environment>('environment.json');
    if (found) return found;
    const machine = store.result(id)?.costs?.machine;
    if (machine === undefined) continue;
    measured ??= {
      startedAt: new Date().toISOString(),
      backend: { name: '', summary: machine },
      versions: { mhim: VERSION, code: codeVersion(), node: process.version },
    };
  }
  return measured;
}

/** All sets together, as the jobs' folders describe them. */
function dataSetOf(used: readonly Job[], results: readonly ExperimentResult[], store: JobStore): ReportData['dataSet'] {
  const sets = new Map<string, { name: string; bags: number; width: number; simulated: boolean }>();
  const done = used.filter(({ id }) => store.result(id));
  const places = new Set<string>();
  for (const { id, kind, data } of done) {
    places.add(kind === 'evaluate' ? `cptac (${data.extractor})` : `${data.set} (${data.extractor})`);
    const about = store
      .folder(id)
      .readJson<{ fingerprint: string; name: string; bags: number; width: number; simulated: boolean }>('data.json');
    if (about) sets.set(about.fingerprint, about);
  }
  const all = [...sets.values()];
  const widths = new Set(all.map(({ width }) => width));
  const simulated = [...results, ...all].some((each) => each.simulated);
  return {
    name: [...places].sort().join(', '),
    origin: simulated ? 'simulated' : 'real',
    bags: all.reduce((sum, { bags }) => sum + bags, 0),
    ...(widths.size === 1 ? { width: [...widths][0] as number } : {}),
    folds: new Set(done.map(({ fold }) => fold)).size,
  };
}

function durationsOf(jobs: readonly Job[], store: JobStore): ReportData['run']['durations'] {
  const total = new Map<string, number>();
  for (const { id, config } of jobs) {
    const timing = store.folder(id).readJson<Record<string, number>>('timing.json') ?? {};
    const seconds = Object.values(timing).reduce((sum, spent) => sum + spent, 0);
    if (seconds > 0) total.set(modelName(config), (total.get(modelName(config)) ?? 0) + seconds);
  }
  return [...total].map(([name, seconds]) => ({ name, seconds }));
}

function notesOf(results: readonly ExperimentResult[]): Note[] {
  return results.flatMap((result) => {
    const { notes, missing, data, reduced, comparable } = result;
    const text = [
      ...notes,
      ...(reduced ? ['Models were made small for a rehearsal; the numbers say nothing about the methods.'] : []),
      ...(comparable ? [] : ['The data are not those of the paper, so there are no differences from its numbers.']),
      ...(data.length > 0 ? [`Data: ${data.join(', ')}.`] : []),
      ...(missing.length > 0 ? [`${missing.length} jobs are not done, e.g. ${missing[0]?.name}.`] : []),
    ];
    return text.length === 0 ? [] : [{ title: titleOf(result), text: text.join('\n\n') }];
  });
}

function leftOut(series: readonly TrainedSeries[], drawn: readonly TrainedSeries[]): Note[] {
  if (drawn.length === series.length) return [];
  const text = `Curves are drawn of ${drawn.length} of ${series.length} trainings: MHIM-v2’s first, then aggregators’, in the order of the tables.`;
  return [{ title: 'What is left out', text }];
}
