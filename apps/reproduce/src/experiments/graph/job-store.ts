import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MhimError } from '@mhim/tensor';
import type { FoldResult, Metrics } from '../../run/results.js';
import { RunFolder } from '../../run/run-folder.js';
import { experiments } from '../catalogue.js';
import type { CostName, Experiment } from '../experiment.js';
import { JOB_ID, type Job } from './job.js';
import type { Plan } from './plan.js';

/** `result.json` of a finished job. */
export interface JobResult {
  format: 'mhim-job-result';
  version: 1;
  /** The job's id: a result under another is none. */
  id: string;
  fold: number;
  seed: number;
  simulated: boolean;
  /** `train`: the figures of the fold. */
  result?: FoldResult;
  /** `evaluate`. */
  external?: Metrics & { bags: number };
  /** `measure`. */
  costs?: Record<CostName, number> & { machine: string };
}

/** `jobs/ID/` of every job, and what was planned: the record that processes and machines share. */
export class JobStore {
  constructor(readonly root: string) {}

  get jobsFolder(): string {
    return join(this.root, 'jobs');
  }

  folder(id: string): RunFolder {
    return new RunFolder(join(this.jobsFolder, id));
  }

  /** What a job's folder says that it is of; undefined where it does not, or cannot be read. */
  job(id: string): Partial<Job> | undefined {
    try {
      return this.folder(id).readJson<Partial<Job>>('job.json');
    } catch {
      return undefined;
    }
  }

  /** The result of a job that is done; undefined for one that is not, or whose file is of something else. */
  result(id: string): JobResult | undefined {
    const path = this.folder(id).file('result.json');
    if (!existsSync(path)) return undefined;
    try {
      const result = JSON.parse(readFileSync(path, 'utf8')) as JobResult;
      return result.format === 'mhim-job-result' && result.id === id ? result : undefined;
    } catch {
      return undefined;
    }
  }

  finish(result: JobResult): void {
    this.folder(result.id).writeJson(result, 'result.json');
  }

  /** Writes jobs, one a line in the order of their numbers. @returns the path */
  writeJobs(jobs: readonly Job[], name = 'jobs'): string {
    const folder = new RunFolder(this.root);
    folder.writeText(jobs.map((job) => `${JSON.stringify(job)}\n`).join(''), `${name}.jsonl`);
    return folder.file(`${name}.jsonl`);
  }

  /** Writes `jobs.jsonl` and `plan.json`. */
  writePlan({ jobs, ...plan }: Plan): void {
    this.writeJobs(jobs);
    new RunFolder(this.root).writeJson({ format: 'mhim-plan', version: 1, ...plan }, 'plan.json');
  }

  /** @throws MhimError `file-missing` where nothing was planned, `file-format` for what is no plan */
  readPlan(): Plan & { definitions: Experiment[] } {
    const path = join(this.root, 'plan.json');
    const plan = new RunFolder(this.root).readJson<Omit<Plan, 'jobs'> & { format?: string }>('plan.json');
    if (plan?.format !== 'mhim-plan') {
      throw new MhimError(plan ? 'is no plan.' : 'there is no plan.', {
        code: plan ? 'file-format' : 'file-missing',
        path,
        hint: 'Make one with reproduce plan.',
      });
    }
    const known = new Map(experiments.map((experiment) => [experiment.id, experiment]));
    const definitions = plan.experiments.map(({ id }) => {
      const experiment = known.get(id);
      if (experiment) return experiment;
      throw new MhimError(`plans "${id}", which this version does not know.`, { code: 'file-format', path });
    });
    return { ...plan, jobs: readJobs(join(this.root, 'jobs.jsonl')), definitions };
  }
}

/** @throws MhimError `file-missing`, or `file-format` naming the line */
export function readJobs(path: string): Job[] {
  if (!existsSync(path)) {
    throw new MhimError('there is no such file.', { code: 'file-missing', path, hint: 'Make it with reproduce plan.' });
  }
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line, index) => {
      try {
        const job = JSON.parse(line) as Job;
        if (
          JOB_ID.test(job.id) &&
          typeof job.code === 'string' &&
          Array.isArray(job.needs) &&
          typeof job.config === 'object'
        )
          return job;
      } catch {
        // Said below.
      }
      throw new MhimError(`line ${index + 1} is no job.`, { code: 'file-format', path, hint: 'Plan again.' });
    });
}
