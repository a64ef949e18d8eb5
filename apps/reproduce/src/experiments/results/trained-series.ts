import type { FitResult } from '@mhim/training';
import type { AnyPredictions } from '../../run/results.js';
import type { Protocol, TrainedStage } from '../../run/train-run.js';
import { cellSpec, COSTS, type GridExperiment } from '../experiment.js';
import type { Job } from '../graph/job.js';
import type { JobStore } from '../graph/job-store.js';
import type { PlannedExperiment } from '../graph/plan.js';

/** The trainings of one row on one data set: a job a seed and fold, all that the curves of a report are drawn from. */
export interface TrainedSeries {
  /** Row and data set, as the table calls them. */
  name: string;
  /** The data set, as the heading calls it: series of one place are of the same folds. */
  place: string;
  jobs: readonly Job[];
  stages: readonly TrainedStage[];
  /** What a method started from, fold by fold. */
  baseline?: readonly TrainedStage[];
  /** Seconds of an epoch, evaluation included. */
  epochSeconds?: number;
}

export interface SeriesInput {
  experiment: GridExperiment;
  planned: PlannedExperiment;
  jobs: ReadonlyMap<string, Job>;
  store: JobStore;
  protocol: Protocol;
}

/** The finished trainings of a table, in the order of its rows. Cells judged on another set have none of their own. */
export function trainedSeries({ experiment, planned, jobs, store, protocol }: SeriesInput): TrainedSeries[] {
  const series = new Map<string, TrainedSeries>();
  for (const { row, column, jobs: ids } of planned.cells) {
    const found = ids
      .flatMap((id) => jobs.get(id) ?? [])
      .filter(({ kind, id }) => kind === 'train' && store.result(id));
    const first = found[0];
    const [rowSpec, columnSpec] = [experiment.rows[row], experiment.columns[column]];
    if (!first || !rowSpec || !columnSpec || (COSTS as readonly string[]).includes(columnSpec.metric)) continue;
    const place = placeOf(experiment, row, column);
    const label = [rowSpec.group, rowSpec.label].filter(Boolean).join(' ');
    const name = place === '' ? label : `${label}, ${place}`;
    if (series.has(name)) continue;
    const needed = found.flatMap(({ needs }) => jobs.get(needs[0] ?? '') ?? []);
    const stages = found.flatMap((job) => stageOf(job, store, protocol));
    const baseline = needed.length === found.length ? needed.flatMap((job) => stageOf(job, store, protocol)) : [];
    series.set(name, {
      ...{ name, place: `${rowSpec.group ?? ''} ${place}`, jobs: found, stages },
      ...(baseline.length === stages.length && baseline.length > 0 ? { baseline } : {}),
      ...epochSecondsOf(found, store),
    });
  }
  return [...series.values()];
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

function stageOf({ id, fold, config }: Job, store: JobStore, protocol: Protocol): TrainedStage[] {
  const folder = store.folder(id);
  const parts = [`fold-${fold}`, protocol, config.model];
  const fit = folder.readJson<FitResult<AnyPredictions>>(...parts, 'result.json');
  return fit ? [{ fold, protocol, stage: config.model, folder: folder.file(...parts), fit }] : [];
}

/** By what the stages took; one that was gone on with after a kill counts its last stretch only, so it is less than the truth then. */
function epochSecondsOf(jobs: readonly Job[], store: JobStore): { epochSeconds?: number } {
  let [seconds, epochs] = [0, 0];
  for (const job of jobs) {
    const timing = store.folder(job.id).readJson<Record<string, number>>('timing.json') ?? {};
    for (const [title, spent] of Object.entries(timing)) {
      const protocol = title.split(' ').at(-2) as Protocol;
      const [stage] = stageOf(job, store, protocol);
      if (!stage || !title.endsWith(` ${job.config.model}`)) continue;
      seconds += spent;
      epochs += stage.fit.epochs;
    }
  }
  return epochs > 0 && seconds > 0 ? { epochSeconds: seconds / epochs } : {};
}
