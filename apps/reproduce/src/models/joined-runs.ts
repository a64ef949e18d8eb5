import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { MhimError } from '@mhim/tensor';
import { readConfig } from '../config/read-config.js';
import { trainInputSchema } from '../config/train-config.js';
import { firstDifference, RunFolder, type Difference } from '../run/run-folder.js';
import { comparable } from './later-options.js';

/** Fields of `config.json` that say where data lie, not what they are. */
const PLACES = ['data', 'labels', 'folds'];

/** The choices that a run was trained with. @throws MhimError `file-missing` for a folder that is none */
export function runConfig(run: string) {
  const path = join(run, 'config.json');
  if (!existsSync(path)) {
    throw new MhimError('there is no such run folder.', {
      code: 'file-missing',
      path: run,
      hint: 'Name the --out folder of reproduce train, or a jobs/ID of the tables.',
    });
  }
  return readConfig(path, trainInputSchema);
}

/**
 * Runs whose models predict together: trained alike on the same data. Their seeds may differ, and with them their folds.
 * @throws MhimError `config` naming the first two that differ and in what
 */
export function requireAlike(runs: readonly string[]): void {
  const [first] = runs as [string];
  for (const run of runs.slice(1)) {
    const difference = differenceOf(first, run, [...PLACES, 'seed']);
    if (!difference) continue;
    throw new MhimError(
      `was trained otherwise than ${first}: ${difference.path} is ${difference.wanted} here and ${difference.stored} there.`,
      { code: 'config', path: run, hint: 'Models predict together that differ in folds and seeds only.' },
    );
  }
}

/** Whether two runs are of one cross-validation: alike in everything, on the same folds. */
export function isOneCrossValidation(first: string, second: string): boolean {
  return !differenceOf(first, second, PLACES) && !foldsDiffer(first, second);
}

/** Whether the runs were split otherwise; a run that keeps no folds differs from none. */
export function foldsDiffer(first: string, second: string): boolean {
  const [a, b] = [first, second].map((run) => new RunFolder(run).readJson<object>('folds.json'));
  return a !== undefined && b !== undefined && firstDifference(a, b) !== undefined;
}

function differenceOf(first: string, second: string, ignored: readonly string[]): Difference | undefined {
  const [a, b] = [first, second].map((run) => comparable(runConfig(run)));
  const [there, here] = [first, second].map((run) => {
    const { fingerprint } = new RunFolder(run).readJson<{ fingerprint?: string }>('data.json') ?? {};
    return { fingerprint };
  });
  return firstDifference(a, b, ignored) ?? firstDifference(there, here);
}
