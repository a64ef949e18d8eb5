import { cpSync, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { MhimError } from '@mhim/tensor';
import { JobStore } from '../experiments/graph/job-store.js';
import { asOfCode, otherResults, requireResults } from '../experiments/graph/other-code.js';
import { writeResults } from '../experiments/results/write-results.js';

interface CollectFlags {
  out: string;
  from: string[];
  missing?: boolean;
  codeVersion?: string;
}

export function collectCommand(program: Command): void {
  program
    .command('collect')
    .description('put finished jobs of a plan into tables, and list those that are missing')
    .option('--out <dir>', 'folder of the plan', 'runs/paper')
    .option('--from <dir>', 'takes finished jobs over from another folder first; repeatable', append, [])
    .option('--code-version <id>', 'of another version of the code than planned it (12 digits)')
    .option('--missing', 'list only the numbers of the jobs that are not done, one a line')
    .addHelpText(
      'after',
      `
Examples:
  $ reproduce collect --out runs/paper
  $ reproduce collect --out runs/paper --from /mnt/node-1/paper --from /mnt/node-2/paper
  $ reproduce collect --out runs/paper --missing | xargs -n 1 reproduce run --plan runs/paper/jobs.jsonl --job`,
    )
    .action(async ({ out, from, missing = false, codeVersion }: CollectFlags) => {
      const store = new JobStore(out);
      const planned = store.readPlan();
      const plan = codeVersion === undefined ? planned : asOfCode(planned, codeVersion);
      const taken = from.reduce(
        (sum, folder) => sum + takeOver(folder, store, new Set(plan.jobs.map(({ id }) => id))),
        0,
      );
      if (from.length > 0) process.stderr.write(`${taken} finished jobs were taken over.\n`);
      if (codeVersion !== undefined) requireResults(plan, codeVersion, store);
      const left = plan.jobs.flatMap(({ id, name }, number) => (store.result(id) ? [] : [{ number, id, name }]));
      if (missing) {
        process.stdout.write(left.map(({ number }) => `${number}\n`).join(''));
        return;
      }
      process.stdout.write(await writeResults(plan, store));
      const done = plan.jobs.length - left.length;
      process.stdout.write(`\n${done} of ${plan.jobs.length} jobs are done.\n`);
      if (left.length === 0) return;
      const lines = left.slice(0, SHOWN).map(({ number, id, name }) => `  ${number}  ${id}  ${name}\n`);
      const more = left.length > SHOWN ? `  … and ${left.length - SHOWN} more; --missing lists all numbers\n` : '';
      process.stdout.write(`Missing:\n${lines.join('')}${more}`);
      const others = otherResults(plan.jobs, store);
      if (others !== '') process.stdout.write(`${others}\n`);
    });
}

const SHOWN = 20;

/** Copies the folders of finished jobs that are not here yet. @returns how many */
function takeOver(from: string, store: JobStore, wanted: ReadonlySet<string>): number {
  const folder = join(from, 'jobs');
  if (!existsSync(folder)) {
    throw new MhimError('holds no jobs.', {
      code: 'file-missing',
      path: from,
      hint: 'Name a folder that has a jobs folder in it.',
    });
  }
  const other = new JobStore(from);
  const ids = readdirSync(folder).filter((id) => wanted.has(id) && other.result(id) && !store.result(id));
  for (const id of ids) {
    // The result goes last, so that a copy that is cut off does not look finished.
    const [source, target] = [other.folder(id).path, store.folder(id).path];
    cpSync(source, target, {
      recursive: true,
      filter: (path) => !/[\\/](result\.json|\.lock)$/.test(path) || path.includes('fold-'),
    });
    store.finish(other.result(id) as NonNullable<ReturnType<JobStore['result']>>);
  }
  return ids.length;
}

function append(value: string, before: string[]): string[] {
  return [...before, value];
}
