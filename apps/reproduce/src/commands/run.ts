import { dirname } from 'node:path';
import type { Command } from 'commander';
import { MhimError } from '@mhim/tensor';
import type { Job } from '../experiments/graph/job.js';
import { JobStore, readJobs } from '../experiments/graph/job-store.js';
import { runJob } from '../experiments/graph/run-job.js';
import { EXIT } from '../failure.js';
import type { Interrupts } from '../interrupt.js';
import { number } from './option-types.js';

interface RunFlags {
  plan: string;
  job: string;
  offset: number;
  checkpointSeconds?: number;
}

export function runCommand(program: Command, interrupts: Interrupts): void {
  program
    .command('run')
    .description('do one job of a plan, or say that it is done; for clusters and queues')
    .requiredOption('--plan <file>', 'jobs.jsonl; jobs/ID/ lie beside it')
    .requiredOption('--job <number|id>', 'line of the file, from 0, or the job’s id')
    .option('--offset <n>', 'added to the number, for array indices that begin anew', number, 0)
    .option('--checkpoint-seconds <n>', 'least seconds between two checkpoints (default: 10)', number)
    .addHelpText(
      'after',
      `
The same job again goes on where it was stopped, or says that it is done. What it starts from is done first where it is missing.

Exit codes:
  0   done
  2   the plan or the configuration cannot be: do not try again
  65  the data are bad: do not try again
  75  stopped by SIGUSR1, SIGTERM or SIGINT, or another process has the job: try again
  1   anything else

Signals: the job stops after the bag at hand, in training as in evaluation; ten seconds later, or at a second signal, the process ends
wherever it is. No checkpoint is written then: the next try goes on from the last one, which was written after an epoch and at least
--checkpoint-seconds after the one before. So what is lost is the epoch at hand, or the last evaluation, and finished epochs of at
most those seconds.

One process at a time has a job. Its lock goes with the process, however that ends but by SIGKILL or a machine that fails; then it is
taken over at once on the same machine, and on another when it has not been renewed for ten minutes. Until then the answer is 75.

Examples:
  $ reproduce run --plan runs/paper/jobs.jsonl --job 0
  $ reproduce run --plan runs/paper/jobs.jsonl --job "$SLURM_ARRAY_TASK_ID" --offset 1000`,
    )
    .action(async ({ plan, job: wanted, offset, checkpointSeconds }: RunFlags) => {
      interrupts.exitCode = EXIT.again;
      const jobs = readJobs(plan);
      const job = find(jobs, wanted, offset, plan);
      const log = (line: string) => void process.stderr.write(`${line}\n`);
      log(`Job ${job.id}: ${job.name}`);
      const worked = await runJob(job, {
        store: new JobStore(dirname(plan)),
        jobs: new Map(jobs.map((one) => [one.id, one])),
        checkpointSeconds,
        interrupts,
        log,
      });
      process.stdout.write(`${job.id} ${worked ? 'done' : 'is done already'}\n`);
    });
}

function find(jobs: readonly Job[], wanted: string, offset: number, path: string): Job {
  const job = /^\d{1,7}$/.test(wanted) ? jobs[Number(wanted) + offset] : jobs.find(({ id }) => id === wanted);
  if (job) return job;
  throw new MhimError(`there is no job ${wanted}${offset ? ` + ${offset}` : ''}.`, {
    code: 'config',
    path,
    hint: `It has ${jobs.length} jobs, numbered from 0.`,
  });
}
