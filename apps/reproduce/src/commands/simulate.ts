import { simulatedSlides, writeBagStore, type SimulatedSlidesOptions } from '@mhim/datasets';
import { Option, type Command } from 'commander';
import type { Interrupts } from '../interrupt.js';
import { integer, number } from './option-types.js';

interface SimulateFlags extends Omit<SimulatedSlidesOptions, 'instances' | 'difficulty'> {
  instances: [number, number];
  difficulty: 'easy' | 'medium' | 'hard';
  float16?: boolean;
  out: string;
}

export function simulateCommand(program: Command, interrupts: Interrupts): void {
  program
    .command('simulate')
    .description('write simulated slides (features, coordinates, true instance labels) as a bag store')
    .requiredOption('--slides <n>', 'how many', integer)
    .option('--seed <n>', 'the same seed gives the same slides on any machine', integer, 2021)
    .option('--instances <least-most>', 'patches a slide', range, [500, 20_000])
    .option('--width <n>', 'of the features', integer, 1024)
    .addOption(new Option('--difficulty <level>').choices(['easy', 'medium', 'hard']).default('medium'))
    .option('--positive-rate <share>', 'share of positive slides', number, 0.5)
    .option('--float16', 'halve the size')
    .requiredOption('--out <dir>', 'folder of the bag store')
    .addHelpText(
      'after',
      `
The slides are made up: for demonstrations, tests and scale. The store says so, and so does every table and figure made of it.

Examples:
  $ reproduce simulate --slides 60 --instances 500-2000 --width 256 --out slides/
  $ reproduce train --data slides/ --model mhim-v2 --epochs 30 --out runs/simulated`,
    )
    .action(async ({ out, float16 = false, ...options }: SimulateFlags) => {
      const source = simulatedSlides(options);
      const index = await writeBagStore(out, source, {
        dtype: float16 ? 'float16' : 'float32',
        onBag: () => interrupts.signal.throwIfAborted(),
      });
      process.stdout.write(`${index.bags} SIMULATED slides, ${index.instances} instances × ${index.width}: ${out}\n`);
    });
}

function range(text: string): [number, number] {
  const [least, most = least] = text.split('-').map(integer) as [number, number?];
  return [least, most];
}
