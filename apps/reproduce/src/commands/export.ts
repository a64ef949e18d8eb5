import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Argument, type Command } from 'commander';
import { makeFolder, MhimError, writeFileAtomic } from '@mhim/tensor';
import { kubernetesFiles } from '../experiments/engines/kubernetes.js';
import { nextflowFiles } from '../experiments/engines/nextflow.js';
import type { EngineFiles, EngineOptions } from '../experiments/engines/resources.js';
import { slurmFiles } from '../experiments/engines/slurm.js';
import type { Job } from '../experiments/graph/job.js';
import { readJobs } from '../experiments/graph/job-store.js';
import { integer } from './option-types.js';

interface Engine {
  files: (jobs: readonly Job[], options: EngineOptions) => EngineFiles;
  /** The file that is started, and words in it by which an earlier export is known. */
  script: string;
  words: string;
}

const ENGINES: Readonly<Record<string, Engine>> = {
  slurm: { files: slurmFiles, script: 'submit.sh', words: '# Submits the plan' },
  kubernetes: { files: kubernetesFiles, script: 'submit.sh', words: '# Starts the levels' },
  nextflow: { files: nextflowFiles, script: 'main.nf', words: 'JOB as LEVEL_0' },
};

interface ExportFlags extends Omit<EngineOptions, 'plan'> {
  out: string;
  to?: string;
}

export function exportCommand(program: Command): void {
  program
    .command('export')
    .description(
      'write what a cluster needs to run a plan: SLURM arrays, Kubernetes Indexed Jobs, or a Nextflow pipeline',
    )
    .addArgument(new Argument('<engine>').choices(Object.keys(ENGINES)))
    .option('--out <dir>', 'folder of the plan, which all workers share', 'runs/paper')
    .option('--to <dir>', 'where the files go (default: OUT/ENGINE)')
    .option('--command <words>', 'how reproduce is called there', 'reproduce')
    .option('--time <HH:MM:SS>', 'wall clock of a job', '04:00:00')
    .option('--cpus <n>', 'of a job', integer, 4)
    .option('--gpus <n>', 'of a job', integer, 0)
    .option('--memory <n>', 'of a job, GiB', integer, 16)
    .option('--parallel <n>', 'jobs at a time (SLURM: of each array)', integer, 100)
    .option('--partition <name>', 'SLURM')
    .option('--image <name>', 'Kubernetes: the container image that has reproduce', 'mhim/reproduce:latest')
    .option('--claim <name>', 'Kubernetes: the volume claim that holds the plan and the data', 'mhim')
    .option(
      '--mount <path>',
      'Kubernetes: the root of that volume on the pods, where paths are as here (default: the deepest folder with plan and data)',
    )
    .option('--namespace <name>', 'Kubernetes', 'default')
    .addHelpText(
      'after',
      `
Nothing is submitted: look at the files, then start submit.sh, or nextflow run main.nf.

Examples:
  $ reproduce export slurm --out runs/paper --partition gpu --gpus 1 --time 02:00:00
  $ reproduce export kubernetes --out /mhim/paper --image registry.example.org/mhim:1 --claim mhim-data --gpus 1
  $ reproduce export nextflow --out runs/paper --cpus 8`,
    )
    .action((name: string, { out, to, ...options }: ExportFlags) => {
      if (!/^\d+:[0-5]\d:[0-5]\d$/.test(options.time)) {
        throw new MhimError(`expected HH:MM:SS, got "${options.time}".`, { code: 'config', path: '--time' });
      }
      const plan = resolve(out, 'jobs.jsonl');
      const engine = ENGINES[name] as Engine;
      const files = engine.files(readJobs(plan), { ...options, plan });
      const folder = to ?? join(out, name);
      requireOwn(folder, engine, Object.keys(files));
      makeFolder(folder);
      for (const [name, text] of Object.entries(files)) {
        writeFileAtomic(join(folder, name), text);
        if (name.endsWith('.sh')) chmodSync(join(folder, name), 0o755);
      }
      process.stdout.write(`${Object.keys(files).length} files: ${folder}\n`);
    });
}

/** @throws MhimError `config` naming a file of others that would be replaced */
function requireOwn(folder: string, { script, words }: Engine, names: readonly string[]): void {
  const path = join(folder, script);
  if (existsSync(path) && readFileSync(path, 'utf8').includes(words)) return;
  const taken = names.find((name) => existsSync(join(folder, name)));
  if (taken === undefined) return;
  throw new MhimError('is no earlier export: this folder holds something else.', {
    code: 'config',
    path: join(folder, taken),
    hint: 'Choose another --to.',
  });
}
