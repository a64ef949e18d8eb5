import type { Interrupts } from '../../interrupt.js';
import { MhimError } from '@mhim/tensor';
import { evaluateModels } from '../../run/evaluate-models.js';
import type { Metrics, Results } from '../../run/results.js';
import { trainRun } from '../../run/train-run.js';
import type { Job } from './job.js';
import type { JobResult, JobStore } from './job-store.js';
import { measureCosts } from './measure-costs.js';
import { requireOwnCode } from './other-code.js';

export interface RunJobOptions {
  store: JobStore;
  /** All jobs of the plan: those that the job starts from are made first where they are missing. */
  jobs: ReadonlyMap<string, Job>;
  checkpointSeconds?: number;
  interrupts: Interrupts;
  log: (line: string) => void;
}

/**
 * Does a job, or says that it is done. Whatever it starts from and is not there is done first, so a job alone in a queue is
 * never stuck. Its folder is a run folder as `reproduce train` writes it, of one fold.
 * @returns whether there was anything to do
 */
export async function runJob(job: Job, options: RunJobOptions): Promise<boolean> {
  const { store, jobs, interrupts } = options;
  if (store.result(job.id)) return false;
  requireOwnCode(job);
  for (const id of job.needs) {
    const needed = jobs.get(id);
    if (!needed) {
      throw new MhimError(`starts from job ${id}, which is not in the plan.`, {
        code: 'config',
        path: job.id,
        hint: 'Plan again with reproduce plan.',
      });
    }
    await runJob(needed, options);
  }
  interrupts.signal.throwIfAborted();
  store.folder(job.id).writeJson(job, 'job.json');
  store.finish(await resultOf(job, options));
  return true;
}

async function resultOf(job: Job, options: RunJobOptions): Promise<JobResult> {
  const { id, fold, config } = job;
  const result = { format: 'mhim-job-result', version: 1, id, fold, seed: config.seed } as const;
  switch (job.kind) {
    case 'train': {
      const trained = await train(job, options);
      return { ...result, simulated: trained.simulated, result: trained.folds.find((done) => done.fold === fold) };
    }
    case 'evaluate':
      return { ...result, ...(await evaluate(job, options)) };
    case 'measure':
      return { ...result, simulated: false, costs: await measureCosts(job) };
  }
}

async function train(job: Job, { store, interrupts, log, checkpointSeconds }: RunJobOptions): Promise<Results> {
  const [baseline] = job.needs;
  const { results } = await trainRun({
    config: job.config,
    out: store.folder(job.id).path,
    onlyFold: job.fold,
    ...(baseline === undefined ? {} : { baselineDir: store.folder(baseline).path }),
    ...(job.moments ? { moments: job.moments } : {}),
    checkpointSeconds,
    interrupts,
    log,
  });
  return results;
}

/** The trained model of the job that this one needs, on all bags of another set, at the threshold chosen in training. */
async function evaluate(
  { id, needs, test, config }: Job,
  { store, interrupts }: RunJobOptions,
): Promise<Pick<JobResult, 'external' | 'simulated'>> {
  const trained = needs[0] as string;
  const { protocol, onMissing } = config;
  const { rows, predictions } = await evaluateModels(
    { run: [store.folder(trained).path], protocol, ...test, onMissing },
    interrupts.signal,
  );
  const [{ what: _what, ...external }] = rows as [{ what: string; bags: number } & Metrics];
  store.folder(id).writeJson(predictions[0], PREDICTIONS);
  return { external, simulated: store.result(trained)?.simulated ?? false };
}

/** Of an `evaluate` job, with what its curves are drawn from: `AnyPredictions` on all bags of the second set. */
export const PREDICTIONS = 'predictions.json';
