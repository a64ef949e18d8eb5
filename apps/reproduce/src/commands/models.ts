import { useBackend } from '@mhim/tensor';
import type { Command } from 'commander';
import { describeAggregators, describeTable6 } from '../models/describe-models.js';
import { aligned } from '../text-table.js';

export function modelsCommand(program: Command): void {
  program
    .command('models')
    .description('list the aggregators with their sources and sizes, alone and inside MHIM')
    .option('--json', 'print it as JSON')
    .addHelpText(
      'after',
      `
Sizes are trainable parameters for 1024 features and 2 classes. MHIM (the conference version) adds none to its aggregator.

Examples:
  $ reproduce models
  $ reproduce models --json`,
    )
    .action(async ({ json = false }: { json?: boolean }) => {
      await useBackend({ log: () => {} });
      const [aggregators, table6] = [describeAggregators(), describeTable6()];
      if (json) {
        process.stdout.write(`${JSON.stringify({ aggregators, table6 }, null, 2)}\n`);
        return;
      }
      const count = (parameters: number) => parameters.toLocaleString('en');
      const list = aggregators.map(({ name, title, source, parameters, insideMhim, mhimV2, attention }) => [
        ...[name, title, source, attention ? 'yes' : 'no'],
        ...[parameters, insideMhim, mhimV2].map(count),
      ]);
      const header = ['model', 'title', 'source', 'attention', 'parameters', 'inside MHIM', 'with MHIM-v2'];
      const rows = table6.map(({ paper, printed, parameters, equal, options, note = '' }) => [
        paper,
        printed,
        count(parameters),
        equal ? 'yes' : 'no',
        options,
        note,
      ]);
      process.stdout.write(
        `${aligned([header, ...list])}\n\nThe paper’s Table 6:\n\n${aligned([['model', 'paper', 'here', 'equal', 'options', ''], ...rows])}\n`,
      );
    });
}
