import { meanAndStd } from '@mhim/metrics';
import { COSTS, type CostName, type GridExperiment, type MetricName } from '../experiment.js';
import type { Job } from '../graph/job.js';
import type { JobResult, JobStore } from '../graph/job-store.js';
import type { PlannedCell } from '../graph/plan.js';
import { printed, type Printed } from '../printed.js';
import { differenceOf, type Difference } from './difference.js';

/** A table or sweep with our numbers beside the paper's: what tables, files and charts are made of. */
export interface ExperimentResult {
  format: 'mhim-experiment';
  version: 1;
  id: string;
  kind: 'table' | 'sweep';
  title: string;
  /** True where any of the data are made up. */
  simulated: boolean;
  /** True where models were made small. */
  reduced: boolean;
  /** Whether the data are those of the paper; only then there are differences. */
  comparable: boolean;
  /** What the figures of `ours` are: chosen on the test fold, or on a part of the training fold. */
  protocol: 'paper' | 'honest';
  /** The data sets that the numbers are of, where they are not the paper's. */
  data: readonly string[];
  columns: readonly ResultColumn[];
  rows: readonly ResultRow[];
  notes: readonly string[];
  /** Jobs that are not done. */
  missing: readonly { id: string; name: string }[];
}

export interface ResultColumn {
  header: readonly string[];
  metric: MetricName;
}

export interface ResultRow {
  group?: string;
  label: string;
  /** Of a sweep. */
  x?: number;
  /** One a column; null where nothing was planned. */
  cells: readonly (CellResult | null)[];
}

export interface CellResult {
  /** Per cent for figures; costs in the unit that the paper prints (millions, seconds, gigabytes of 10⁹, slides a second). */
  paper?: Printed;
  ours?: Ours;
  /** The same models with epoch and threshold chosen on a part of the training fold, where that was run too. */
  honest?: Ours;
  /** Ours minus the paper's. */
  difference?: Difference;
  /** Ids of the jobs, seeds by folds. */
  jobs: readonly string[];
}

export interface Ours {
  mean: number;
  /** Population standard deviation over folds and seeds; none of a single value. */
  std?: number;
  /** One a job; null where the figure is undefined or the job is not done. */
  values: readonly (number | null)[];
}

export interface CollectInput {
  experiment: GridExperiment;
  cells: readonly PlannedCell[];
  jobs: ReadonlyMap<string, Job>;
  store: JobStore;
  simulated: boolean;
  reduced: boolean;
  comparable: boolean;
}

/** Puts finished jobs into the cells of an experiment. */
export function collectExperiment({
  experiment,
  cells,
  jobs,
  store,
  simulated,
  reduced,
  comparable,
}: CollectInput): ExperimentResult {
  const results = new Map<string, JobResult>();
  const missing = new Map<string, string>();
  for (const id of new Set(cells.flatMap(({ jobs: ids, honest = [] }) => [...ids, ...honest]))) {
    const result = store.result(id);
    if (result) results.set(id, result);
    else missing.set(id, jobs.get(id)?.name ?? id);
  }
  const protocols = new Set(cells.flatMap((cell) => cell.jobs.map((id) => jobs.get(id)?.config.protocol)));
  const protocol = protocols.has('honest') ? 'honest' : 'paper';
  return {
    format: 'mhim-experiment',
    version: 1,
    ...{ id: experiment.id, kind: experiment.kind, title: experiment.title },
    simulated,
    reduced,
    comparable,
    protocol,
    data: [...new Set([...results.keys()].flatMap((id) => dataOf(jobs.get(id))))].sort(),
    columns: experiment.columns.map(({ header, metric }) => ({ header, metric })),
    rows: experiment.rows.map(({ group, label, x, paper }, row) => ({
      ...(group === undefined ? {} : { group }),
      label,
      ...(x === undefined ? {} : { x }),
      cells: experiment.columns.map((_, column) => {
        const cell = cells.find((planned) => planned.row === row && planned.column === column);
        return cell ? cellResult(cell, results, { text: paper[column], comparable }) : null;
      }),
    })),
    notes: [...(experiment.notes ?? []), ...machinesOf(results)],
    missing: [...missing].map(([id, name]) => ({ id, name })),
  };
}

/** Where a job's data lie: what was trained on, and what was judged on where that is another set. */
function dataOf(job: Job | undefined): string[] {
  return [job?.config.data, job?.test?.data].filter((path) => path !== undefined);
}

function cellResult(
  { metric, jobs, honest: honestJobs = [] }: PlannedCell,
  results: ReadonlyMap<string, JobResult>,
  { text, comparable }: { text?: string; comparable: boolean },
): CellResult {
  const paper = text === undefined ? undefined : printed(text);
  const ours = oursOf(jobs.map((id) => valueOf(results.get(id), metric)));
  const honest = oursOf(honestJobs.map((id) => valueOf(results.get(id), metric)));
  const difference = comparable && ours && paper && differenceOf(ours, paper);
  return {
    ...(paper ? { paper } : {}),
    ...(ours ? { ours } : {}),
    ...(honest ? { honest } : {}),
    ...(difference ? { difference } : {}),
    jobs,
  };
}

function oursOf(values: readonly (number | null)[]): Ours | undefined {
  const defined = values.filter((value) => value !== null);
  if (defined.length === 0) return undefined;
  const { mean, std } = meanAndStd(defined);
  return { mean, ...(defined.length > 1 ? { std } : {}), values };
}

/** The figure of a job in the unit of its column. */
function valueOf(result: JobResult | undefined, metric: MetricName): number | null {
  if (!result) return null;
  if (isCost(metric)) return result.costs ? result.costs[metric] * UNIT[metric] : null;
  const value = (result.external ?? result.result)?.[metric];
  return value === null || value === undefined ? null : 100 * value;
}

function isCost(metric: MetricName): metric is CostName {
  return (COSTS as readonly string[]).includes(metric);
}

/** From what is measured to what is printed. */
const UNIT: Readonly<Record<CostName, number>> = {
  parameters: 1e-6,
  epochSeconds: 1,
  memoryBytes: 1e-9,
  bagsPerSecond: 1,
};

function machinesOf(results: ReadonlyMap<string, JobResult>): string[] {
  const machines = new Set([...results.values()].flatMap(({ costs }) => costs?.machine ?? []));
  return [...machines].map((machine) => `Costs were measured on ${machine}.`);
}

/** What a column's numbers are in. */
export function unitOf(metric: MetricName): string {
  return isCost(metric) ? { parameters: 'M', epochSeconds: 's', memoryBytes: 'GB', bagsPerSecond: '/s' }[metric] : '%';
}
