import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  convertBags,
  hashFolds,
  nameFolds,
  writeFolds,
  type BagFormat,
  type BagSource,
  type Fold,
} from '@mhim/datasets';
import { MhimError } from '@mhim/tensor';
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

<to> is a folder of its own, outside <from>; files in it that this command did not write are not replaced.

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
        const { folds = [] } = source;
        const path = join(to, 'folds.json');
        if (folds.length > 0) requireSameFolds(path, folds, source);
        await convertBags(source, to, format, {
          dtype: float16 ? 'float16' : 'float32',
          onBag: () => interrupts.signal.throwIfAborted(),
        });
        const kind = `as published with ${source.name}`;
        if (folds.length > 0) await writeFolds(path, folds, source, { kind });
        const split = folds.length > 0 ? `, ${folds.length} folds to ${path}` : '';
        process.stdout.write(`${source.bags.length} bags written to ${to}${split}\n`);
      } finally {
        await source.close();
      }
    });
}

/** @throws MhimError `config` for a file that is there and holds other folds, or none */
function requireSameFolds(path: string, folds: readonly Fold[], { bags }: BagSource): void {
  if (!existsSync(path) || readFileSync(path, 'utf8').includes(`"${hashFolds(nameFolds(folds, bags))}"`)) return;
  throw new MhimError('is there already, with something else in it.', {
    code: 'config',
    path,
    hint: 'Choose another folder, or move the file away.',
  });
}
