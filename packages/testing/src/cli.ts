#!/usr/bin/env node
import { existsSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { MhimError, useBackend } from '@mhim/tensor';
import { adapters } from './adapters/index.js';
import { describeFailures, runConformance } from './run-conformance.js';

const program = new Command('mhim-testing');

program
  .command('conformance')
  .description('run our models against numbers of the official PyTorch code')
  .option(
    '--cases <dir>',
    'folder of cases (default: ../shared/conformance beside the repository, else the selection in it)',
  )
  .option('--areas <list>', 'only these areas, separated by commas')
  .option('--case <name>', 'only this case, by name or area/name')
  .option('--json <file>', 'write the results as JSON too')
  .addHelpText('after', '\nExample:\n  npm run conformance -- --areas abmil,pooling --json conformance.json')
  .action(async (options: { cases?: string; areas?: string; case?: string; json?: string }) => {
    const { summary: backend } = await useBackend({ log: () => undefined });
    const directory = options.cases === undefined ? defaultCases() : resolve(callersFolder(), options.cases);
    console.log(`Cases: ${directory}. ${backend}`);
    const areas = options.areas?.split(',').map((area) => area.trim());
    const filter = { areas, name: options.case };
    const report = await runConformance(directory, adapters, filter, (result) => {
      for (const line of describeFailures(result)) console.log(line);
    });
    if (options.json !== undefined) {
      writeFileSync(
        resolve(callersFolder(), options.json),
        `${JSON.stringify({ directory, backend, ...report }, null, 2)}\n`,
      );
    }
    console.log(`${report.passed} passed, ${report.failed} failed`);
    if (report.failed > 0 || report.passed === 0) process.exitCode = 1;
  });

/** npm runs scripts in the package's folder and keeps the caller's in INIT_CWD. */
function callersFolder(): string {
  return process.env.INIT_CWD ?? process.cwd();
}

function defaultCases(): string {
  const testing = dirname(dirname(fileURLToPath(import.meta.url)));
  const large = join(testing, '../../../shared/conformance');
  return existsSync(large) ? resolve(large) : join(testing, 'conformance');
}

program.parseAsync().catch((error: unknown) => {
  console.error(error instanceof MhimError ? error.message : error);
  process.exitCode = 1;
});
