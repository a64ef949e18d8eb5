import { existsSync, readdirSync } from 'node:fs';
import { MhimError } from '@mhim/tensor';
import { codeVersion } from '../../code-version.js';
import { jobIdOf, type Job } from './job.js';
import type { JobStore } from './job-store.js';
import type { Plan } from './plan.js';

/**
 * A plan as another version of the code would have made it: every job under the id that it has there. What is not done there
 * cannot be done here.
 */
export function asOfCode<P extends Plan>(plan: P, code: string): P {
  const ids = new Map(plan.jobs.map(({ id, work }) => [id, jobIdOf(work, code)]));
  const renamed = (all: readonly string[]) => all.map((id) => ids.get(id) as string);
  const jobs = plan.jobs.map((job) => ({ ...job, code, id: ids.get(job.id) as string, needs: renamed(job.needs) }));
  return {
    ...plan,
    jobs,
    experiments: plan.experiments.map(({ id, cells }) => ({
      id,
      cells: cells.map((cell) => ({
        ...cell,
        jobs: renamed(cell.jobs),
        ...(cell.honest ? { honest: renamed(cell.honest) } : {}),
      })),
    })),
  };
}

/** @throws MhimError `config` where the version that a plan is of has done nothing of it */
export function requireResults({ jobs }: Plan, code: string, store: JobStore): void {
  if (jobs.some(({ id }) => store.result(id))) return;
  throw new MhimError(`no job of this plan was done by the code version ${code}.`, {
    code: 'config',
    path: '--code-version',
    hint: otherResults(jobs, store) || 'Leave it out.',
  });
}

/** Says how many of the jobs that are not done were done by which other versions of the code; empty where none was. */
export function otherResults(jobs: readonly Job[], store: JobStore): string {
  const left = new Set(jobs.filter(({ id }) => !store.result(id)).map(({ work }) => work));
  const folder = store.jobsFolder;
  if (left.size === 0 || !existsSync(folder)) return '';
  const counts = new Map<string, number>();
  for (const id of readdirSync(folder)) {
    const { work, code } = store.job(id) ?? {};
    if (work === undefined || code === undefined || !left.has(work) || !store.result(id)) continue;
    counts.set(code, (counts.get(code) ?? 0) + 1);
  }
  if (counts.size === 0) return '';
  const versions = [...counts].map(([code, count]) => `${count} by ${code}`).join(', ');
  return `Of the jobs that are not done other versions of the code have results (${versions}; this is ${codeVersion()}), which are not used: --code-version ID shows those of one.`;
}

/** @throws MhimError `config` for a job of another version of the code, whose numbers this one may not give */
export function requireOwnCode({ id, code }: Job): void {
  if (code === codeVersion()) return;
  throw new MhimError(`was planned by the code version ${code}, this is ${codeVersion()}.`, {
    code: 'config',
    path: `job ${id}`,
    hint: 'Plan again with reproduce plan. What is done stays, and collect --code-version shows it.',
  });
}
