import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder, MhimError } from '@mhim/tensor';
import { experiments } from '../experiments/catalogue.js';
import { JOB_ID } from '../experiments/graph/job.js';

/**
 * Makes the folder of experiments, and makes sure that it is empty of what they write into it, or theirs: a list of jobs lies in it, or jobs.
 * @throws MhimError `config` where it cannot be made, or naming a file of others that would be replaced
 */
export function requireExperimentFolder(out: string): void {
  makeFolder(out);
  const there = readdirSync(out);
  if (there.some((name) => name.endsWith('jobs.jsonl') && holdsJobs(join(out, name)))) return;
  // Jobs may have been copied here from where they ran, without their list.
  if (there.includes('jobs') && areJobs(join(out, 'jobs'))) return;
  const ids = ['all', ...experiments.map(({ id }) => id)];
  const written = new Set([
    ...['jobs', 'jobs.jsonl', 'plan.json', 'report.html'],
    ...ids.flatMap((id) => ['json', 'csv', 'tex', 'html', 'jobs.jsonl'].map((end) => `${id}.${end}`)),
  ]);
  const taken = there.find((name) => written.has(name));
  if (taken === undefined) return;
  throw new MhimError('is of no experiment: this folder holds something else.', {
    code: 'config',
    path: join(out, taken),
    hint: 'Choose another --out.',
  });
}

/** Whether a folder has the folders of jobs, and nothing else. */
function areJobs(path: string): boolean {
  if (!statSync(path).isDirectory()) return false;
  const names = readdirSync(path);
  return names.length > 0 && names.every((name) => JOB_ID.test(name));
}

/** Whether a file lists jobs, of this version or another. */
function holdsJobs(path: string): boolean {
  const [first = ''] = readFileSync(path, 'utf8').split('\n');
  if (first === '') return true;
  try {
    const { id, needs } = JSON.parse(first) as { id?: unknown; needs?: unknown };
    return JOB_ID.test(String(id)) && Array.isArray(needs);
  } catch {
    return false;
  }
}
