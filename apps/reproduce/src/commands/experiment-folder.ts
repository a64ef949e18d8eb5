import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder, MhimError } from '@mhim/tensor';
import { experiments } from '../experiments/catalogue.js';

/**
 * Makes the folder of experiments, and makes sure that it is empty of what they write into it, or theirs: a list of jobs lies in it.
 * @throws MhimError `config` where it cannot be made, or naming a file of others that would be replaced
 */
export function requireExperimentFolder(out: string): void {
  makeFolder(out);
  const there = readdirSync(out);
  if (there.some((name) => name.endsWith('jobs.jsonl') && holdsJobs(join(out, name)))) return;
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

/** Whether a file lists jobs, of this version or another. */
function holdsJobs(path: string): boolean {
  const [first = ''] = readFileSync(path, 'utf8').split('\n');
  if (first === '') return true;
  try {
    const { id, needs } = JSON.parse(first) as { id?: unknown; needs?: unknown };
    return /^[0-9a-f]{16}$/.test(String(id)) && Array.isArray(needs);
  } catch {
    return false;
  }
}
