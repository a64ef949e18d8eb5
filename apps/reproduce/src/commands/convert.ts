import { convertBags, type BagFormat } from '@mhim/datasets';
import { Option, type Command } from 'commander';
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
    .description('convert bags between a bag store and folders of one file a bag')
    .addOption(new Option('--format <format>', 'of the result').choices(FORMATS).default('store'))
    .option('--labels <csv>', 'label table to put into the store; default labels.csv in the folder')
    .option('--float16', 'halve the size, keeping three to four digits')
    .addOption(new Option('--on-missing <what>', 'bags or labels without partner').choices(['error', 'skip']))
    .addHelpText(
      'after',
      `
Examples:
  $ reproduce convert features/ bags/ --labels slides.csv --float16
  $ reproduce convert musk1 musk1-h5/ --format h5`,
    )
    .action(async (from: string, to: string, { format, labels, float16 = false, onMissing }: ConvertFlags) => {
      const source = await openData({ data: from, labels, onMissing });
      try {
        await convertBags(source, to, format, {
          dtype: float16 ? 'float16' : 'float32',
          onBag: () => interrupts.signal.throwIfAborted(),
        });
        process.stdout.write(`${source.bags.length} bags written to ${to}\n`);
      } finally {
        await source.close();
      }
    });
}
