import { dirname } from 'node:path';
import type { Command } from 'commander';
import { makeFolder, MhimError, writeFileAtomic } from '@mhim/tensor';
import { measureSteps } from '../experiments/graph/measure-steps.js';
import { shippedStepTimes, stepTimesFile, type ModelTimes } from '../experiments/graph/step-times.js';
import type { Interrupts } from '../interrupt.js';
import { aligned } from '../text-table.js';
import { integer } from './option-types.js';

interface MeasureFlags {
  models?: string[];
  instances: [number, number];
  width: number;
  repeats: number;
  out?: string;
}

const MODELS = Object.keys(shippedStepTimes.models);

export function measureCommand(program: Command, interrupts: Interrupts): void {
  program
    .command('measure')
    .description('time the training steps of all models on this machine, for the estimates of --dry-run and plan')
    .option('--models <list>', `only these (default: all of ${MODELS.join(', ')})`, models)
    .option('--instances <small,large>', 'two sizes of bags', sizes, [1000, 10000])
    .option('--width <n>', 'features of an instance', integer, 1024)
    .option('--repeats <n>', 'steps of which the median is taken', integer, 5)
    .option(
      '--out <file>',
      'where the times go (default: step-times.json in the cache folder, where estimates find them)',
    )
    .addHelpText(
      'after',
      `
Takes a few minutes on two cores. Do it where the jobs will run; with a shared home folder, plans made elsewhere know it.
Without it, estimates are of the machine that the program was made on, and corrected by the jobs that are finished.

Examples:
  $ reproduce measure
  $ reproduce measure --models ab-mil,mhim-v2:ab-mil --repeats 11`,
    )
    .action(async ({ models: names = MODELS, out = stepTimesFile(), ...options }: MeasureFlags) => {
      const rows: string[][] = [];
      const onModel = (name: string, times: ModelTimes) => {
        rows.push([name, ...[...times.train, ...times.infer].map(([, ms]) => ms.toFixed(1))]);
        process.stderr.write(`${name}: ${rows.at(-1)?.slice(1).join(', ')} ms\n`);
      };
      const times = await measureSteps({ models: names, ...options, signal: interrupts.signal, onModel });
      makeFolder(dirname(out));
      writeFileAtomic(out, `${JSON.stringify(times, null, 2)}\n`);
      const [small, large] = options.instances.map((size) => size.toLocaleString('en'));
      const header = ['ms a bag', `train ${small}`, `train ${large}`, `predict ${small}`, `predict ${large}`];
      process.stdout.write(`${aligned([header, ...rows])}\n\n${times.machine}\nTimes: ${out}\n`);
    });
}

function models(text: string): string[] {
  const names = text.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !MODELS.includes(name));
  if (unknown === undefined) return names;
  throw new MhimError(`there is no model "${unknown}".`, {
    code: 'config',
    path: '--models',
    hint: `Choose of ${MODELS.join(', ')}.`,
  });
}

function sizes(text: string): [number, number] {
  const [small, large, ...others] = text.split(',').map(Number);
  const right = others.length === 0 && Number.isInteger(small) && Number.isInteger(large);
  if (right && (small as number) > 0 && (small as number) < (large as number))
    return [small as number, large as number];
  throw new MhimError(`expected two sizes, the smaller first, got "${text}".`, {
    code: 'config',
    path: '--instances',
    hint: 'For example 1000,10000.',
  });
}
