import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import { Command } from 'commander';
import { gridPositions, readBagFile, standardise, type Bag } from '@mhim/datasets';
import { HardMining, MHIM, MHIMv2 } from '@mhim/hard-mining';
import { aggregatorNames, createAggregator, registry, type AggregatorOptions } from '@mhim/mil-aggregators';
import { readSafetensors, Rng, useBackend } from '@mhim/tensor';

/** What `reproduce train` writes beside the weights, as far as the check needs it. */
interface StoredConfig {
  model: string;
  base?: string;
  inputDim: number;
  classes: number;
  aggregator: object;
  mhim?: object;
}

interface Options {
  models: string[];
  width: number;
  epochs: string;
  keep?: string;
}

const at = (...path: string[]) => fileURLToPath(new URL(join('../../..', ...path), import.meta.url));
const python = process.env.MHIM_BENCH_PYTHON ?? 'python3';
const everything = aggregatorNames.flatMap((name) => [name, `mhim-v2:${name}`]);

new Command('torch-check')
  .description('Trains every model on a few simulated slides, loads it in PyTorch by name and compares the logits.')
  .option('--models <list>', `of ${everything.join(', ')}`, (list) => list.split(','), everything)
  .option('--width <n>', 'of instances, where it is an option', Number, 64)
  .option('--epochs <n>', 'of training', '2')
  .option('--keep <dir>', 'leave slides and runs there')
  .addHelpText(
    'after',
    `
Needs a Python with torch, numpy and safetensors, named in MHIM_BENCH_PYTHON (default python3).

Example:
  MHIM_BENCH_PYTHON=/path/to/venv/bin/python npm run torch-check -- --models trans-mil,mhim-v2:trans-mil`,
  )
  .action(check)
  .parse();

async function check({ models, width, epochs, keep }: Options): Promise<void> {
  await useBackend({ log: () => {} });
  const folder = keep ?? mkdtempSync(join(tmpdir(), 'mhim-torch-check-'));
  const slides = join(folder, 'slides');
  const simulated = ['--slides', '6', '--instances', '90-300', '--width', '48', '--difficulty', 'easy'];
  reproduce('simulate', ...simulated, '--out', slides);
  reproduce('convert', slides, join(folder, 'bags'), '--format', 'safetensors');
  const files = readdirSync(join(folder, 'bags'))
    .filter((name) => name.endsWith('.safetensors'))
    .map((name) => join(folder, 'bags', name));
  const bags = await Promise.all(files.map((file) => readBagFile(file)));
  console.log('model                 tensors  bags  largest logit   largest difference');
  let worst = 0;
  for (const model of models) {
    const stage = train(model, { slides, run: join(folder, model.replace(':', '-')), width, epochs });
    const { logits: ours, tensors } = await predict(stage, bags);
    const theirs = predictInTorch(stage, files);
    const differences = ours.map((row, i) => Math.max(...row.map((value, c) => Math.abs(value - entryOf(theirs, i, c)))));
    const [largest, difference] = [Math.max(...ours.flat().map(Math.abs)), Math.max(...differences)];
    worst = Math.max(worst, Number.isFinite(difference) ? difference / Math.max(1, largest) : Infinity);
    console.log(
      model.padEnd(21),
      ...[String(tensors).padStart(7), String(bags.length).padStart(5)],
      ...[largest.toFixed(4).padStart(14), difference.toExponential(1).padStart(20)],
    );
  }
  if (keep === undefined) rmSync(folder, { recursive: true });
  console.log(worst <= TOLERANCE ? `all agree within ${TOLERANCE}` : `they do not agree within ${TOLERANCE}`);
  process.exitCode = worst <= TOLERANCE ? 0 : 1;
}

/** Of the largest logit, at least of 1: float32 through two libraries. */
const TOLERANCE = 1e-4;

/** @returns the folder with the model's `config.json` and `best.safetensors` */
function train(
  model: string,
  { slides, run, width, epochs }: Record<'slides' | 'run' | 'epochs', string> & { width: number },
): string {
  const [name, method] = model.split(':').reverse() as [keyof typeof registry, string | undefined];
  const narrow = 'embedDim' in registry[name].defaults ? ['--set', `aggregator.embedDim=${width}`] : [];
  const fewer = name === 'ib-mil' && !method ? ['--set', 'aggregator.confounders=2'] : [];
  const how = [
    '--k',
    '2',
    '--only-fold',
    '0',
    '--epochs',
    epochs,
    ...narrow,
    ...fewer,
    ...(method ? ['--mining', method] : []),
  ];
  reproduce('train', '--data', slides, '--model', name, ...how, '--out', run);
  return join(run, 'fold-0', 'paper', method ?? name);
}

/** Our logits of every bag, [bags, c], and how many tensors the file holds. */
async function predict(stage: string, bags: readonly Bag[]): Promise<{ logits: number[][]; tensors: number }> {
  const config = JSON.parse(readFileSync(join(stage, 'config.json'), 'utf8')) as StoredConfig;
  const { tensors, metadata } = await readSafetensors(join(stage, 'best.safetensors'));
  const { mean, std } = JSON.parse(metadata.standardiser as string) as Record<'mean' | 'std', number[]>;
  const standardiser = { mean: Float32Array.from(mean), std: Float32Array.from(std) };
  const model = build(config);
  model.loadStateDict(Object.fromEntries(tensors));
  const logits = bags.map((bag) =>
    tf.tidy(() => {
      const { features, instances, width } = standardise(bag, standardiser);
      const call = { positions: bag.coords && gridPositions(bag.coords) };
      const x = tf.tensor2d(features, [instances, width]);
      const prediction = model instanceof HardMining ? model.predict(x, call) : model.forward(x, call);
      return Array.from(prediction.logits.dataSync());
    }),
  );
  model.dispose();
  return { logits, tensors: tensors.size };
}

function build({ model, base, inputDim, classes, aggregator, mhim }: StoredConfig) {
  const options = { name: base ?? model, inputDim, classes, ...aggregator } as unknown as AggregatorOptions;
  const create = (rng: Rng) => createAggregator(options, rng);
  if (base === undefined) return create(new Rng(0));
  return model === 'mhim' ? new MHIM(create, new Rng(0), mhim) : new MHIMv2(create, new Rng(0), mhim);
}

function predictInTorch(stage: string, files: readonly string[]): number[][] {
  const said = execFileSync(python, [at('tools/pytorch/load.py'), stage, '--json', '--bag', ...files], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = said.trim().split('\n');
  return lines.map((line) => (JSON.parse(line) as { logits: number[] }).logits);
}

function reproduce(...args: string[]): void {
  const { status, stderr } = spawnSync(process.execPath, [at('apps/reproduce/dist/cli.js'), ...args], {
    encoding: 'utf8',
    cwd: dirname(at('package.json')),
  });
  if (status === 0) return;
  console.error(`error: reproduce ${args.join(' ')}: ${stderr.trim().split('\n').at(-1)}`);
  process.exit(1);
}

function entryOf(rows: readonly number[][], row: number, column: number): number {
  return rows[row]?.[column] ?? NaN;
}
