import type { Command } from 'commander';
import { MhimError } from '@mhim/tensor';
import { experimentNamed, experiments } from '../experiments/catalogue.js';
import type { Experiment } from '../experiments/experiment.js';
import { JobStore } from '../experiments/graph/job-store.js';
import { planExperiments } from '../experiments/graph/plan.js';
import { planTable } from '../experiments/results/plan-table.js';
import { requireExperimentFolder } from './experiment-folder.js';
import { experimentOptions, planOptions, type ExperimentFlags } from './experiment-options.js';

export function planCommand(program: Command): void {
  experimentOptions(
    program
      .command('plan')
      .description('write the jobs of experiments to OUT/jobs.jsonl, for reproduce run on this machine or many')
      .argument('<what...>', 'all, or tables and figures: table 4 figure 6'),
  )
    .addHelpText(
      'after',
      `
A line a job: data set × extractor × model × fold × seed × protocol. Its id is the hash of configuration, split, content of the data and code version;
"needs" names the jobs that it starts from, which stand above it. Jobs are numbered by line, from 0.

Examples:
  $ reproduce plan all --data-root /data/mhim --out runs/paper
  $ reproduce plan table 7 table 8 figure 6 --data-root /data/mhim --seeds 2021-2023 --out runs/ablations
  $ reproduce plan table 2 --simulated --out runs/rehearsal`,
    )
    .action(async (what: string[], flags: ExperimentFlags) => {
      const log = (line: string) => void process.stderr.write(`${line}\n`);
      requireExperimentFolder(flags.out);
      const store = new JobStore(flags.out);
      const options = planOptions(namedExperiments(what), flags, log);
      const plan = await planExperiments(options);
      for (const set of plan.missing) log(`Left out: ${set}`);
      store.writePlan(plan);
      process.stdout.write(
        `${planTable(plan, store, options.times)}${plan.jobs.length} jobs: ${flags.out}/jobs.jsonl\n`,
      );
    });
}

/** `all`, or any number of `table N` and `figure N`. */
function namedExperiments(words: readonly string[]): readonly Experiment[] {
  if (words.length === 1 && words[0] === 'all') return experiments;
  const chosen: Experiment[] = [];
  for (let i = 0; i < words.length; i += 2) {
    const [kind, number] = [words[i], words[i + 1]];
    if ((kind === 'table' || kind === 'figure') && number !== undefined) chosen.push(experimentNamed(kind, number));
    else {
      throw new MhimError(`"${words.join(' ')}" names no experiments.`, {
        code: 'config',
        hint: 'Say all, or table N and figure N as often as you like.',
      });
    }
  }
  return chosen;
}
