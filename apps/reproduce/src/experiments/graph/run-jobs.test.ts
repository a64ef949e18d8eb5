import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { report } from '../../failure.js';
import { temporaryFolder } from '../../test-helpers.js';
import type { Job } from './job.js';
import { JobStore } from './job-store.js';
import { failureOf, runJobs } from './run-jobs.js';

const at = temporaryFolder();
const before = process.argv[1] as string;

beforeAll(() => {
  // Stands in for the program: ends as the job's id says.
  writeFileSync(
    at('program.mjs'),
    `const id = process.argv.at(-1);
     if (id === 'killed') process.kill(process.pid, 'SIGKILL');
     else if (id === 'crash') throw new Error('of the process');
     else { console.error('fold 1/5\\nerror: said of ' + id); process.exit(Number(id)); }`,
  );
  process.argv[1] = at('program.mjs');
});
afterAll(() => void (process.argv[1] = before));

test.each([
  ['2', 2, 'said of 2'],
  ['65', 65, 'said of 65'],
  ['75', 75, 'said of 75'],
  ['1', 1, 'said of 1'],
  ['crash', 1, 'the process ended with code 1'],
  ['killed', 1, 'the process ended by SIGKILL'],
])('a sweep with a job that ends with %s ends with %d', async (id, code, message) => {
  const failed = await runJobs([{ id, name: id, needs: [] } as unknown as Job], {
    store: new JobStore(at('out')),
    plan: at('jobs.jsonl'),
    processes: 2,
    interrupts: { signal: new AbortController().signal },
    log: () => {},
  });
  let said = '';
  expect(report(failureOf(failed), (text) => (said += text))).toBe(code);
  expect(said).toContain(`1 jobs failed, the first ${id}: ${message}`);
});
