import * as tf from '@tensorflow/tfjs';
import { HardMining } from '@mhim/hard-mining';
import { Rng, sizeOf, useBackend, type HostTensor, type Module } from '@mhim/tensor';
import type { Command } from 'commander';
import { createModel } from '../models/create-model.js';
import { readTensorFile, summarise } from '../models/describe-tensors.js';
import { recognise, type Recognition } from '../models/recognise/recognise.js';
import { aligned } from '../text-table.js';
import { integer } from './option-types.js';

export function checkpointCommand(program: Command): void {
  program
    .command('checkpoint <file>')
    .description('list what a PyTorch or safetensors checkpoint holds and which model it fits')
    .option('--json', 'print everything as JSON')
    .option('--instances <n>', 'instances of the random bag that proves that the model predicts', integer, 100)
    .addHelpText(
      'after',
      `
Nothing in the file is executed: a PyTorch file that asks for more than tensors is refused.

Examples:
  $ reproduce checkpoint fold_0_model_best.pt
  $ reproduce checkpoint runs/musk1/fold-0/paper/mhim-v2/model.safetensors --json`,
    )
    .action(async (file: string, { json = false, instances }: { json?: boolean; instances: number }) => {
      const report = await inspectCheckpoint(file, { instances, log: json ? () => {} : undefined });
      process.stdout.write(json ? `${JSON.stringify(report, null, 2)}\n` : asText(report));
    });
}

interface PartReport {
  part?: string;
  model: string;
  tensors: number;
  parameters: number;
  /** Scalars that training changes, where the model is built. */
  trainable?: number;
  loaded: boolean;
  /** Tensors of the model that the file does not have; only where it never has them all. */
  missing?: string[];
  /** What a bag of random features gives. */
  prediction?: { instances: number; inputDim: number; probabilities: number[] };
  problem?: string;
}

export interface CheckpointReport {
  file: string;
  format: string;
  tensors: ReturnType<typeof summarise>[];
  parts: PartReport[];
}

/** Lists a checkpoint's tensors, recognises its models, loads them and predicts a random bag with each. */
export async function inspectCheckpoint(
  file: string,
  { instances = 100, log }: { instances?: number; log?: (line: string) => void } = {},
): Promise<CheckpointReport> {
  const { format, tensors } = await readTensorFile(file);
  const recognised = recognise(tensors);
  if (recognised.some(({ config }) => config)) await useBackend({ log });
  return {
    file,
    format,
    tensors: [...tensors].map(([name, tensor]) => summarise(name, tensor)),
    parts: recognised.map((recognition) => proven(recognition, instances)),
  };
}

function proven({ name: model, part, tensors, config, partial }: Recognition, instances: number): PartReport {
  const report: PartReport = {
    part,
    model,
    tensors: tensors.size,
    parameters: [...tensors.values()].reduce((sum, { shape }) => sum + sizeOf(shape), 0),
    loaded: false,
  };
  if (!config) return report;
  const rng = new Rng(2021);
  const built = createModel(config, rng);
  try {
    report.trainable = built.parameterCount();
    const state = Object.fromEntries(tensors) as Record<string, HostTensor>;
    const { loaded, missing } = (built as Module).loadStateDict(state, { strict: !partial });
    report.loaded = loaded.length === tensors.size || !partial;
    if (partial) return { ...report, missing };
    const probabilities = tf.tidy(() => {
      const features: tf.Tensor2D = rng.normal([instances, config.inputDim]);
      const { logits } = built instanceof HardMining ? built.predict(features) : built.forward(features);
      return Array.from(tf.softmax(logits).dataSync());
    });
    report.prediction = { instances, inputDim: config.inputDim, probabilities };
  } catch (error) {
    report.problem = (error as Error).message;
  } finally {
    built.dispose();
  }
  return report;
}

function asText({ file, format, tensors, parts }: CheckpointReport): string {
  const rows = tensors.map(({ name, dtype, shape, min, max, mean, nonFinite }) => [
    name,
    dtype,
    `[${shape.join(', ')}]`,
    ...[min, max, mean].map((value) => value?.toPrecision(4) ?? '–'),
    nonFinite > 0 ? `${nonFinite} of ${sizeOf(shape)} not finite` : sizeOf(shape) === 0 ? 'empty' : '',
  ]);
  const list = aligned([['tensor', 'type', 'shape', 'min', 'max', 'mean', ''], ...rows]);
  return `${file}: ${format}, ${tensors.length} tensors\n\n${list}\n\n${parts.map(partText).join('\n')}\n`;
}

function partText(report: PartReport): string {
  const { part, model, parameters, trainable, loaded, missing, prediction, problem, tensors } = report;
  const lines = [`${part === undefined ? '' : `${part}: `}${model}`];
  lines.push(`  ${tensors} tensors, ${parameters.toLocaleString('en')} values`);
  if (trainable !== undefined) lines.push(`  the model has ${trainable.toLocaleString('en')} trainable parameters`);
  if (loaded) lines.push('  every tensor was loaded under its name');
  if (missing) lines.push(`  it has no values for ${missing.join(', ')}`);
  if (prediction) {
    const { instances, inputDim, probabilities } = prediction;
    const of = `a bag of ${instances} random instances × ${inputDim}`;
    const values = probabilities.map((value) => value.toFixed(4)).join(', ');
    if (probabilities.every(Number.isFinite)) lines.push(`  ${of} gives probabilities [${values}]`);
    else lines.push(`  ${of} gives no probabilities, as values above are not finite`);
  }
  if (problem !== undefined) lines.push(`  it does not load: ${problem}`);
  return lines.join('\n');
}
