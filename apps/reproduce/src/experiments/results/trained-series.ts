import type { Cost } from '@mhim/figures';
import type { FitResult } from '@mhim/training';
import { groupedBy } from '../../report/grouped-by.js';
import { costOfTrainings } from '../../report/training-costs.js';
import type { AnyPredictions } from '../../run/results.js';
import type { Protocol, TrainedStage } from '../../run/train-run.js';
import { modelName } from '../../report/model-names.js';
import { cellSpec, COSTS, type CellSpec, type Column, type GridExperiment, type Row } from '../experiment.js';
import type { Job } from '../graph/job.js';
import type { JobStore } from '../graph/job-store.js';
import type { PlannedExperiment } from '../graph/plan.js';
import { PREDICTIONS } from '../graph/run-job.js';

/** The models of one row on one data set: a job a seed and fold, all that the curves of a report are drawn from. */
export interface TrainedSeries {
  /** Row and data set, as the table calls them. */
  name: string;
  /** The row, as the table calls it; with its base where several rows have one label. */
  label: string;
  /** The data set with its features, as the headings call it: series of one place are of the same folds. */
  place: string;
  /** Row and column together. */
  spec: CellSpec;
  /** Those that are done. */
  jobs: readonly Job[];
  /** Whether all are. */
  complete: boolean;
  stages: readonly TrainedStage[];
  /** What a method started from, fold by fold. */
  baseline?: readonly TrainedStage[];
  /** Judged on another set than it was trained on: there are predictions, and no epochs. */
  external: boolean;
}

export interface SeriesInput {
  experiment: GridExperiment;
  planned: PlannedExperiment;
  jobs: ReadonlyMap<string, Job>;
  store: JobStore;
  protocol: Protocol;
}

/** The finished models of a table in the order of its rows; of a sweep, those of one data set together. */
export function trainedSeries(input: SeriesInput): TrainedSeries[] {
  const { experiment, planned, jobs, store, protocol } = input;
  const series = new Map<string, TrainedSeries>();
  for (const { row, column, jobs: ids } of planned.cells) {
    const found = ids
      .flatMap((id) => jobs.get(id) ?? [])
      .filter(({ kind, id }) => kind !== 'measure' && store.result(id));
    const { name, label, place } = named(experiment, row, column);
    const [first] = found;
    if (!first || series.has(name)) continue;
    const { group } = experiment.rows[row] as Row;
    const starts = found.flatMap((job) => baselineOf(job, jobs) ?? []);
    const stages = found.flatMap((job) => stageOf(job, store, protocol));
    const baseline = starts.length === found.length ? starts.flatMap((job) => stageOf(job, store, protocol)) : [];
    series.set(name, {
      ...{ name, label, jobs: found, complete: found.length === ids.length, stages },
      // The groups of a table are features, those of a sweep options.
      place: [experiment.kind === 'table' && group, place].filter(Boolean).join(' '),
      spec: cellSpec(experiment.rows[row] as Row, experiment.columns[column] as Column),
      external: first.kind === 'evaluate',
      ...(baseline.length === stages.length && baseline.length > 0 ? { baseline } : {}),
    });
  }
  const all = [...series.values()];
  if (experiment.kind === 'table') return all;
  return [...groupedBy(all, ({ place }) => place).values()].flat();
}

/**
 * What the rows of a table cost: as it was measured by itself where the table has such columns, for the rest by the trainings, each
 * on the machine that did it.
 */
export function costsOf({ experiment, planned, jobs, store, protocol }: SeriesInput): Cost[] {
  const found = new Map<string, Cost>();
  for (const { row, column, jobs: ids } of planned.cells) {
    const { name } = named(experiment, row, column);
    const measured = ids.flatMap((id) => store.result(id)?.costs ?? [])[0];
    if (measured) {
      const { parameters, epochSeconds, memoryBytes, bagsPerSecond, machine } = measured;
      const own = { parameters, epochSeconds, bagsPerSecond, peakMegabytes: memoryBytes / 1e6 };
      found.set(name, { ...found.get(name), model: name, ...own, machine });
      continue;
    }
    const trained = ids
      .flatMap((id) => jobs.get(id) ?? [])
      .flatMap((job) => (job.kind === 'evaluate' ? (jobs.get(job.needs[0] ?? '') ?? []) : job));
    const cost = costOfTrainings(
      name,
      trained.map((job) => stageFolder(job, store, protocol)),
    );
    if (cost) found.set(name, { ...cost, ...found.get(name) });
  }
  return [...found.values()];
}

function named(
  experiment: GridExperiment,
  row: number,
  column: number,
): { name: string; label: string; place: string } {
  const { group, label: printed, spec } = experiment.rows[row] as Row;
  const place = placeOf(experiment, row, column);
  // Tables 9 and 12 repeat their labels for each base.
  const alike = experiment.rows.filter((other) => other.group === group && other.label === printed);
  const label = alike.length > 1 && spec.base ? `${printed} (${modelName({ model: spec.base })})` : printed;
  const words = [group, label].filter(Boolean).join(' ');
  return { name: place === '' ? words : `${words}, ${place}`, label, place };
}

/** What the headings of all columns of a cell's data have in common, which leaves the names of metrics out. */
function placeOf({ rows, columns }: GridExperiment, row: number, column: number): string {
  const dataOf = (index: number) => {
    const { set, extractor, base, test } = cellSpec(rows[row] as never, columns[index] as never);
    return [set, extractor, base, test].join();
  };
  const isCost = (metric: string) => (COSTS as readonly string[]).includes(metric);
  const alike = columns
    .filter(({ metric }, index) => !isCost(metric) && dataOf(index) === dataOf(column))
    .map(({ header }) => header);
  const [first = []] = alike;
  const shared = first.filter((part, i) => alike.every((header) => header[i] === part));
  return shared.filter((part) => !METRIC_HEADINGS.test(part)).join(' ');
}

/** Headings that name a figure and no data. */
export const METRIC_HEADINGS = /^(?:AUC|Accuracy|F1|F1-score|C-index)$/i;

/** What a training started from; of a model on another set, what that one was started from on the same set. */
function baselineOf({ kind, needs, test }: Job, jobs: ReadonlyMap<string, Job>): Job | undefined {
  const [start] = needs;
  if (kind === 'train') return jobs.get(start ?? '');
  const [origin] = jobs.get(start ?? '')?.needs ?? [];
  const alike = (job: Job) =>
    job.kind === 'evaluate' && job.needs[0] === origin && JSON.stringify(job.test) === JSON.stringify(test);
  return origin === undefined ? undefined : [...jobs.values()].find(alike);
}

function stageFolder({ id, fold, config }: Job, store: JobStore, protocol: Protocol): string {
  return store.folder(id).file(`fold-${fold}`, protocol, config.model);
}

function stageOf(job: Job, store: JobStore, protocol: Protocol): TrainedStage[] {
  const { id, fold, config, kind } = job;
  const about = { fold, protocol, stage: config.model, folder: stageFolder(job, store, protocol) };
  if (kind === 'evaluate') {
    const test = store.folder(id).readJson<AnyPredictions>(PREDICTIONS);
    const both = test && { select: test, test };
    return both ? [{ ...about, fit: { epochs: 0, bestEpoch: 0, history: [], best: both, last: both } }] : [];
  }
  const fit = store
    .folder(id)
    .readJson<FitResult<AnyPredictions>>(`fold-${fold}`, protocol, config.model, 'result.json');
  return fit ? [{ ...about, fit }] : [];
}
