import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { MhimError } from '@mhim/tensor';
import { duration } from '@mhim/training';
import { EXIT } from '../../failure.js';
import type { Interrupts } from '../../interrupt.js';
import type { Job } from './job.js';
import type { JobStore } from './job-store.js';
import { runJob } from './run-job.js';

export interface RunJobsOptions {
  store: JobStore;
  /** The file that has the jobs, for processes of their own. */
  plan: string;
  /** Processes at a time; with 1, all is done in this process. */
  processes: number;
  interrupts: Interrupts;
  log: (line: string) => void;
}

export interface FailedJob {
  job: Job;
  error: Error;
}

/**
 * Does what is left of a plan. A job that fails takes only those with it that start from it.
 * @returns the jobs that failed
 */
export async function runJobs(jobs: readonly Job[], options: RunJobsOptions): Promise<FailedJob[]> {
  const { store, interrupts } = options;
  const byId = new Map(jobs.map((job) => [job.id, job]));
  const left = jobs.filter(({ id }) => !store.result(id));
  const queue = new Queue(left);
  const progress = new SweepProgress(jobs.length, left, options.log);
  const failed: FailedJob[] = [];
  const worker = async () => {
    for (let job = await queue.next(); job; job = await queue.next()) {
      if (interrupts.signal.aborted) queue.stop();
      interrupts.signal.throwIfAborted();
      try {
        if (options.processes > 1) await inProcess(job, options);
        else await runJob(job, { ...options, jobs: byId, log: indented(options.log) });
        queue.finish(job, true);
        progress.done(job);
      } catch (error) {
        if (interrupts.signal.aborted) {
          queue.stop();
          throw error;
        }
        queue.finish(job, false);
        failed.push({ job, error: error as Error });
        options.log(`${job.name} failed: ${(error as Error).message}`);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, Math.min(options.processes, left.length)) }, worker));
  return failed;
}

/** What a sweep ends with that had failures: the first one's message and code, so that its exit code is that job's. */
export function failureOf(failed: readonly FailedJob[]): Error {
  const { job, error } = failed[0] as FailedJob;
  const failure = new Error(`${failed.length} jobs failed, the first ${job.name}: ${error.message}`, { cause: error });
  return Object.assign(failure, { code: (error as { code?: unknown }).code });
}

/** Hands out jobs whose needs are done. */
class Queue {
  private readonly waiting: Job[];
  private readonly unfinished: Set<string>;
  private readonly broken = new Set<string>();
  private running = 0;
  private stopped = false;
  private wake: (() => void)[] = [];

  constructor(jobs: readonly Job[]) {
    this.waiting = [...jobs];
    this.unfinished = new Set(jobs.map(({ id }) => id));
  }

  /** The next job that can be done; waits for one, and gives undefined when there will be none. */
  async next(): Promise<Job | undefined> {
    for (;;) {
      const ready = this.stopped
        ? -1
        : this.waiting.findIndex(({ needs }) => !needs.some((id) => this.unfinished.has(id)));
      if (ready >= 0) {
        this.running++;
        return this.waiting.splice(ready, 1)[0];
      }
      if (this.stopped || this.running === 0) return undefined;
      await new Promise<void>((resolve) => this.wake.push(resolve));
    }
  }

  finish(job: Job, well: boolean): void {
    this.running--;
    if (well) this.unfinished.delete(job.id);
    else this.broken.add(job.id);
    this.wakeAll();
  }

  stop(): void {
    this.stopped = true;
    this.wakeAll();
  }

  private wakeAll(): void {
    for (const wake of this.wake.splice(0)) wake();
  }
}

/** How many jobs are done and how long the others will take, by what the finished ones took beside their estimates. */
class SweepProgress {
  private readonly start = Date.now();
  private readonly total: number;
  private finished = 0;
  private weight = 0;
  private readonly before: number;

  constructor(
    private readonly jobs: number,
    left: readonly Job[],
    private readonly log: (line: string) => void,
  ) {
    this.total = left.reduce((sum, job) => sum + weightOf(job), 0);
    this.before = jobs - left.length;
  }

  done(job: Job): void {
    this.finished++;
    this.weight += weightOf(job);
    const seconds = ((Date.now() - this.start) / 1000) * (this.total / this.weight - 1);
    const left = this.weight < this.total ? `, about ${duration(seconds)} left` : '';
    this.log(`[${this.before + this.finished}/${this.jobs}] ${job.name}${left}`);
  }
}

function weightOf({ cost }: Job): number {
  return cost?.seconds ?? 1;
}

function indented(log: (line: string) => void): (line: string) => void {
  return (line) => log(`  ${line}`);
}

/** A job in a process of its own, with its share of the cores. @throws what the process said last, MhimError where its exit code says what it is about */
async function inProcess(job: Job, { plan, processes, interrupts }: RunJobsOptions): Promise<void> {
  const threads = String(Math.max(1, Math.floor(availableParallelism() / processes)));
  const child = spawn(process.execPath, [programPath(), 'run', '--plan', plan, '--job', job.id], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { OMP_NUM_THREADS: threads, TF_NUM_INTRAOP_THREADS: threads, ...process.env },
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4000)));
  const stop = () => child.kill('SIGTERM');
  interrupts.signal.addEventListener('abort', stop, { once: true });
  try {
    const ended = await new Promise<{ code: number | null; signal: string | null }>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code, signal) => resolve({ code, signal }));
    });
    if (ended.code === 0) return;
    interrupts.signal.throwIfAborted();
    const { code, signal } = ended;
    const last = said.trim().split('\n').at(-1) ?? '';
    const message = /^error: (.*)/.exec(last)?.[1];
    const about = CODES[code ?? -1];
    if (message !== undefined && about !== undefined) throw new MhimError(message, { code: about });
    const how = signal === null ? `with code ${code}` : `by ${signal}`;
    throw new Error(message ?? `the process ended ${how}${last === '' ? '.' : `; it said last: ${last}`}`);
  } finally {
    interrupts.signal.removeEventListener('abort', stop);
  }
}

/** What exit codes of a process that named its error are about; the others are those of crashes. */
const CODES: Readonly<Record<number, MhimError['code']>> = {
  [EXIT.configuration]: 'config',
  [EXIT.data]: 'data',
  [EXIT.again]: 'busy',
};

function programPath(): string {
  return process.argv[1] as string;
}
