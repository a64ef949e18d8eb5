import { cpus, totalmem } from 'node:os';
import { useBackend } from '@mhim/tensor';
import type { Command } from 'commander';
import { describeEnvironment } from '../run/environment.js';

export function infoCommand(program: Command): void {
  program
    .command('info')
    .alias('doctor')
    .description('say which backend, versions and folders are in use, and check that the backend works')
    .option('--json', 'print it as JSON')
    .addHelpText('after', '\nExamples:\n  $ reproduce info\n  $ MHIM_BACKEND=wasm reproduce info --json')
    .action(async ({ json = false }: { json?: boolean }) => {
      const backend = await useBackend({ log: () => {} });
      const environment = describeEnvironment(backend);
      if (json) {
        process.stdout.write(`${JSON.stringify(environment, null, 2)}\n`);
        return;
      }
      const gigabytes = (totalmem() / 2 ** 30).toFixed(0);
      const lines = [
        backend.summary,
        `MHIM ${environment.versions.mhim} (code ${environment.versions.code}), TensorFlow.js ${environment.versions.tfjs}, Node ${environment.versions.node}`,
        `Machine: ${environment.machine.platform}, ${cpus().length} × ${environment.machine.cpu}, ${gigabytes} GB`,
        `Cache: ${environment.cache}`,
      ];
      process.stdout.write(`${lines.join('\n')}\n`);
    });
}
