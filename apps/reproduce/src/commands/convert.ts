import { join } from 'node:path';
import { convertBags, writeFolds, type BagFormat, type BagSource } from '@mhim/datasets';
import { Option, type Command } from 'commander';
import { isMaskedTable, openMaskedTable, type MaskedTable } from '../data/masked-table.js';
import { openData } from '../data/open-data.js';
import type { Interrupts } from '../interrupt.js';

const FORMATS: BagFormat[] = ['store', 'safetensors', 'pt', 'npy', 'h5'];

interface ConvertFlags {
  format: BagFormat;
  labels?: string;
  float16?: boolean;
  onMissing?: 'error' | 'skip';
}

export function convertCommand(program: Command, interrupts: Interrupts): void {
  program
    .command('convert <from> <to>')
    .description('convert bags between a bag store, folders of one file a bag, and tables of cases (to bags only)')
    .addOption(new Option('--format <format>', 'of the result').choices(FORMATS).default('store'))
    .option('--labels <csv>', 'label table to put into the store; default labels.csv in the folder')
    .option('--float16', 'halve the size, keeping three to four digits')
    .addOption(new Option('--on-missing <what>', 'bags or labels without partner').choices(['error', 'skip']))
    .addHelpText(
      'after',
      `
A table of cases is NAME.safetensors with a [cases, d] tensor and a [groups, d] one whose name ends in mask: a case becomes a bag of
one instance a group of columns. Beside it lie NAME_cases.csv (or --labels), a row a case, and NAME_folds.json, which becomes folds.json.

Examples:
  $ reproduce convert features/ bags/ --labels slides.csv --float16
  $ reproduce convert tcga_blca.safetensors blca/
  $ reproduce convert musk1 musk1-h5/ --format h5`,
    )
    .action(async (from: string, to: string, { format, labels, float16 = false, onMissing }: ConvertFlags) => {
      const source: BagSource & Pick<MaskedTable, 'folds'> = (await isMaskedTable(from))
        ? await openMaskedTable(from, { labels })
        : await openData({ data: from, labels, onMissing });
      try {
        await convertBags(source, to, format, {
          dtype: float16 ? 'float16' : 'float32',
          onBag: () => interrupts.signal.throwIfAborted(),
        });
        const { folds = [] } = source;
        const kind = `as published with ${source.name}`;
        if (folds.length > 0) await writeFolds(join(to, 'folds.json'), folds, source, { kind });
        const split = folds.length > 0 ? `, ${folds.length} folds to ${join(to, 'folds.json')}` : '';
        process.stdout.write(`${source.bags.length} bags written to ${to}${split}\n`);
      } finally {
        await source.close();
      }
    });
}
