import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { MhimError } from '@mhim/tensor';
import type { TrainConfig } from '../../config/train-config.js';
import { aggregatorOf } from '../../models/create-model.js';
import { isMethod } from '../../models/model-names.js';
import { cacheFolder } from '../../run/cache-folder.js';

const points = z.tuple([z.tuple([z.number(), z.number()]), z.tuple([z.number(), z.number()])]);
const stepTimesSchema = z.object({
  machine: z.string(),
  measured: z.string(),
  note: z.string(),
  models: z.record(z.string(), z.object({ train: points, infer: points, parameters: z.number() })),
});

/** Milliseconds of a step at two bag sizes: [instances, milliseconds]. */
export interface ModelTimes {
  train: readonly [readonly [number, number], readonly [number, number]];
  infer: readonly [readonly [number, number], readonly [number, number]];
  /** Trainable scalars at 1024 features and two classes. */
  parameters: number;
  /** Which of the times were not measured on the quiet machine but scaled, see {@link shippedStepTimes}. */
  scaled?: readonly ('train at 10000' | 'infer')[];
}

export interface StepTimes {
  machine: string;
  measured: string;
  /** How they were measured, and what to bear in mind. */
  note: string;
  /** By {@link timesKey}. */
  models: Readonly<Record<string, ModelTimes>>;
}

/** Where `reproduce measure` keeps the times of this machine. */
export function stepTimesFile(): string {
  return join(cacheFolder(), 'step-times.json');
}

/**
 * The times of this machine where they were measured, else those that came with the program.
 * @throws MhimError naming the file that is none of ours
 */
export function knownStepTimes(): StepTimes {
  const path = stepTimesFile();
  if (!existsSync(path)) return shippedStepTimes;
  const { data } = stepTimesSchema.safeParse(parsed(readFileSync(path, 'utf8')));
  if (data) return data;
  throw new MhimError('holds no step times.', {
    code: 'file-format',
    path,
    hint: 'Make it again with reproduce measure, or delete it.',
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Under what the times of a training stand. The conference version was not timed: it is MHIM-v2 without the recycle network. */
export function timesKey(config: Pick<TrainConfig, 'model' | 'base'>): string {
  const name = aggregatorOf(config);
  return isMethod(config.model) ? `mhim-v2:${name}` : name;
}

/**
 * The step times that estimates are made of where `reproduce measure` has made no better ones: medians on a quiet machine, as `tools/bench` times them (docs/performance.md).
 *
 * Scaled, where a quiet figure is owed: training at 10,000 instances of a method is its aggregator's times the ratio of the two at 1,000, of
 * R2T-MIL and 2DMamba ten times that at 1,000; inference is the share of a training step that it had when both were measured under load.
 */
export const shippedStepTimes: StepTimes = {
  machine: 'AMD EPYC, 2 cores, TensorFlow on CPU',
  measured: '2026-11-25',
  note: 'on a quiet machine; inference of most models and the largest bags of R2T-MIL, 2DMamba, MHIM-v2 over DSMIL and TransMIL are scaled from them',
  models: {
    'ab-mil': {
      train: [
        [1000, 25],
        [10000, 167],
      ],
      infer: [
        [1000, 10.6],
        [10000, 68.8],
      ],
      parameters: 591619,
    },
    'ds-mil': {
      train: [
        [1000, 42],
        [10000, 297],
      ],
      infer: [
        [1000, 10.3],
        [10000, 101.8],
      ],
      parameters: 872708,
      scaled: ['infer'],
    },
    'clam-sb': {
      train: [
        [1000, 38],
        [10000, 285],
      ],
      infer: [
        [1000, 4.0],
        [10000, 103.4],
      ],
      parameters: 790791,
      scaled: ['infer'],
    },
    'dtfd-mil': {
      train: [
        [1000, 34],
        [10000, 178],
      ],
      infer: [
        [1000, 14.9],
        [10000, 77.0],
      ],
      parameters: 789254,
      scaled: ['infer'],
    },
    'ib-mil': {
      train: [
        [1000, 26],
        [10000, 175],
      ],
      infer: [
        [1000, 12.0],
        [10000, 56.3],
      ],
      parameters: 723971,
      scaled: ['infer'],
    },
    'trans-mil': {
      train: [
        [1000, 414],
        [10000, 1381],
      ],
      infer: [
        [1000, 129.5],
        [10000, 497.7],
      ],
      parameters: 2672146,
      scaled: ['infer'],
    },
    'r2t-mil': {
      train: [
        [1000, 107],
        [10000, 1070],
      ],
      infer: [
        [1000, 56.1],
        [10000, 748.2],
      ],
      parameters: 2697474,
      scaled: ['train at 10000', 'infer'],
    },
    'mamba-2d': {
      train: [
        [1000, 212],
        [10000, 2120],
      ],
      infer: [
        [1000, 93.0],
        [10000, 429.7],
      ],
      parameters: 265131,
      scaled: ['train at 10000', 'infer'],
    },
    'mhim-v2:ab-mil': {
      train: [
        [1000, 61],
        [10000, 291],
      ],
      infer: [
        [1000, 15.5],
        [10000, 165.5],
      ],
      parameters: 1641602,
    },
    'mhim-v2:ds-mil': {
      train: [
        [1000, 71],
        [10000, 502],
      ],
      infer: [
        [1000, 16.8],
        [10000, 158.3],
      ],
      parameters: 1923846,
      scaled: ['train at 10000', 'infer'],
    },
    'mhim-v2:trans-mil': {
      train: [
        [1000, 503],
        [10000, 1678],
      ],
      infer: [
        [1000, 153.5],
        [10000, 942.8],
      ],
      parameters: 3722258,
      scaled: ['train at 10000', 'infer'],
    },
  },
};
