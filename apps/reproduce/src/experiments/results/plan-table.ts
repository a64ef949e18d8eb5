import { duration } from '@mhim/training';
import { modelName } from '../../report/model-names.js';
import { aligned } from '../../text-table.js';
import type { Job } from '../graph/job.js';
import type { JobStore } from '../graph/job-store.js';
import { calibration, type Calibration } from '../graph/calibration.js';
import type { Plan } from '../graph/plan.js';
import { shippedStepTimes, type StepTimes } from '../graph/step-times.js';

/** What a plan would do: jobs by experiment, those shared with an experiment above, those done, and the cost of the rest. */
export function planTable(plan: Plan, store: JobStore, times: StepTimes): string {
  const known = calibration(plan.jobs, store);
  const costs = { store, known };
  const byId = new Map(plan.jobs.map((job) => [job.id, job]));
  const seen = new Set<string>();
  const rows = plan.experiments.map(({ id, cells }) => {
    const jobs = closure(
      cells.flatMap(({ jobs: own, honest = [] }) => [...own, ...honest]),
      byId,
    );
    const fresh = jobs.filter((job) => !seen.has(job.id));
    for (const job of jobs) seen.add(job.id);
    return [id, String(cells.length), ...countsOf(jobs, fresh, costs)];
  });
  const total = countsOf(plan.jobs, plan.jobs, costs);
  const header = ['experiment', 'cells', 'jobs', 'shared', 'done', 'to run', 'at most', 'disk'];
  const cells = plan.experiments.reduce((sum, experiment) => sum + experiment.cells.length, 0);
  const unmeasured = new Set(plan.jobs.flatMap(({ cost, config }) => (cost ? [] : modelName(config))));
  return [
    ...['', aligned([header, ...rows, ['all', String(cells), ...total]]), ''],
    ...timesText(times, known),
    ...(unmeasured.size > 0 ? [`Not measured and not in the times: ${[...unmeasured].join(', ')}.`] : []),
    ...(plan.missing.length > 0
      ? [
          `Not found, planned as the paper describes them: ${plan.missing.length} of the feature sets, e.g. ${plan.missing[0]}`,
        ]
      : []),
    '',
  ].join('\n');
}

/** Where the times come from, and how to have better ones. */
function timesText(times: StepTimes, known: Calibration | undefined): string[] {
  return [
    `Times by measured steps: ${times.machine}, ${times.measured}, ${times.note}. Nominal epochs: early stopping is not counted on.`,
    ...(known
      ? [
          `Corrected by ${known.trainings} finished ${known.trainings === 1 ? 'training' : 'trainings'} of this folder, which took ${known.factor.toPrecision(2)} times as long an epoch (${known.machines.join('; ')}).`,
        ]
      : times === shippedStepTimes
        ? ['Not of this machine: reproduce measure times its own steps in minutes.']
        : []),
  ];
}

/** Jobs and all that they start from. */
function closure(ids: readonly string[], byId: ReadonlyMap<string, Job>): Job[] {
  const found = new Map<string, Job>();
  const add = (id: string) => {
    const job = byId.get(id);
    if (!job || found.has(id)) return;
    found.set(id, job);
    job.needs.forEach(add);
  };
  ids.forEach(add);
  return [...found.values()];
}

interface Costs {
  store: JobStore;
  known: Calibration | undefined;
}

function countsOf(jobs: readonly Job[], fresh: readonly Job[], { store, known }: Costs): string[] {
  const left = fresh.filter(({ id }) => !store.result(id));
  const costs = left.map((job) => known?.corrected(job) ?? job.cost);
  const cost = (of: 'seconds' | 'bytes') => costs.reduce((sum, each) => sum + (each?.[of] ?? 0), 0);
  return [
    ...[jobs.length, jobs.length - fresh.length, fresh.length - left.length, left.length].map(String),
    hours(cost('seconds')),
    size(cost('bytes')),
  ];
}

function hours(seconds: number): string {
  return seconds < 7200 ? duration(seconds) : `${Math.round(seconds / 3600).toLocaleString('en')} h`;
}

function size(bytes: number): string {
  return bytes < 1e9 ? `${Math.ceil(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
