import { Argument, type Command } from 'commander';
import { experimentNamed, experiments } from '../experiments/catalogue.js';
import type { Experiment } from '../experiments/experiment.js';
import { asOfCode, otherResults, requireResults } from '../experiments/graph/other-code.js';
import { planExperiments, type Plan } from '../experiments/graph/plan.js';
import { failureOf, runJobs } from '../experiments/graph/run-jobs.js';
import { JobStore } from '../experiments/graph/job-store.js';
import { planTable } from '../experiments/results/plan-table.js';
import { writeResults } from '../experiments/results/write-results.js';
import type { Interrupts } from '../interrupt.js';
import { requireExperimentFolder } from './experiment-folder.js';
import { experimentOptions, planOptions, type ExperimentFlags } from './experiment-options.js';
import { integer } from './option-types.js';

interface RunFlags extends ExperimentFlags {
  codeVersion?: string;
  jobs: number;
}

/** `reproduce table 4`, `reproduce figure 6`, `reproduce all`. */
export function experimentCommands(program: Command, interrupts: Interrupts): void {
  for (const kind of ['table', 'figure'] as const) {
    const numbers = experiments.flatMap(({ id }) => (id.startsWith(kind) ? id.slice(kind.length + 1) : []));
    runOptions(program.command(kind).description(`run a ${kind} of the paper and put our numbers beside the paper’s`))
      .addArgument(new Argument('<number>', numbers.join(', ')))
      .addHelpText('after', help(kind))
      .action((number: string, flags: RunFlags) => runExperiments([experimentNamed(kind, number)], flags, interrupts));
  }
  runOptions(program.command('all').description('run every table and figure of the paper'))
    .addHelpText('after', help('all'))
    .action((flags: RunFlags) => runExperiments(experiments, flags, interrupts));
}

function runOptions(command: Command): Command {
  return experimentOptions(command)
    .option('--dry-run', 'say what would run, how long and how much disk it takes at most; nothing is run or written')
    .option('--code-version <id>', 'show what another version of the code has done (12 digits); nothing is run')
    .option('--jobs <n>', 'processes at a time', integer, 1);
}

const help = (command: string) => {
  const name = { table: 'table 4', figure: 'figure 6', all: 'all' }[command] as string;
  return `
Every training is a job in OUT/jobs/ID, ID being a hash of configuration, split, data and code version: what is there is not done again,
baselines are trained once for all that start from them, and the same command goes on after a kill. Beside each table are written
ID.json, ID.csv, ID.tex, ID-tests.csv and ID-predict.txt (how the folds of a row predict together), and report.html of all.

Examples:
  $ reproduce ${name} --simulated --out runs/rehearsal
  $ reproduce ${name} --dry-run
  $ reproduce ${name} --data-root /data/mhim --jobs 4 --out runs/paper
  $ reproduce ${name} --data-root /data/mhim --only "AB-MIL,MHIM-v2*" --folds 0 --set maskRatioHigh=0.05`;
};

async function runExperiments(chosen: readonly Experiment[], flags: RunFlags, interrupts: Interrupts): Promise<void> {
  const log = (line: string) => void process.stderr.write(`${line}\n`);
  const store = new JobStore(flags.out);
  const options = planOptions(chosen, flags, log);
  const { codeVersion } = flags;
  const ofVersion = (plan: Plan) => (codeVersion === undefined ? plan : asOfCode(plan, codeVersion));
  if (flags.dryRun) {
    const plan = ofVersion(await planExperiments({ ...options, assumeMissing: true }));
    // Who names no data knows that there are none.
    if (flags.dataRoot !== undefined || flags.data.length > 0)
      for (const set of plan.missing) log(`Cannot be used, planned as the paper describes it: ${set}`);
    process.stdout.write(planTable(plan, store, options.times));
    return;
  }
  requireExperimentFolder(flags.out);
  const plan = ofVersion(await planExperiments(options));
  for (const set of plan.missing) log(`Left out: ${set}`);
  if (codeVersion !== undefined) {
    requireResults(plan, codeVersion, store);
    process.stdout.write(await writeResults({ ...plan, definitions: chosen }, store));
    return;
  }
  const others = otherResults(plan.jobs, store);
  if (others !== '') log(others);
  // Beside the jobs.jsonl of reproduce plan, whose numbers a cluster may be working through.
  const path = store.writeJobs(plan.jobs, chosen.length === 1 ? `${chosen[0]?.id}.jobs` : 'all.jobs');
  const failed = await runJobs(plan.jobs, { store, plan: path, processes: Math.max(1, flags.jobs), interrupts, log });
  process.stdout.write(await writeResults({ ...plan, definitions: chosen }, store));
  if (failed.length > 0) throw failureOf(failed);
}
