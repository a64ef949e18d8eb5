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

/** The step times that estimates are made of where `reproduce measure` has made no better ones: its own, on a quiet machine. */
export const shippedStepTimes: StepTimes = {
  machine: 'AMD EPYC, 2 cores, TensorFlow on CPU',
  measured: '2026-11-29',
  note: 'on a quiet machine, medians of five steps',
  models: {
    'ab-mil': {
      train: [
        [1000, 24.9],
        [10000, 166.7],
      ],
      infer: [
        [1000, 8.1],
        [10000, 67.8],
      ],
      parameters: 591619,
    },
    'ds-mil': {
      train: [
        [1000, 38.5],
        [10000, 264.1],
      ],
      infer: [
        [1000, 11.6],
        [10000, 99.2],
      ],
      parameters: 872708,
    },
    'clam-sb': {
      train: [
        [1000, 42.1],
        [10000, 243],
      ],
      infer: [
        [1000, 10],
        [10000, 94.7],
      ],
      parameters: 790791,
    },
    'dtfd-mil': {
      train: [
        [1000, 29.8],
        [10000, 181],
      ],
      infer: [
        [1000, 9],
        [10000, 73.5],
      ],
      parameters: 789254,
    },
    'ib-mil': {
      train: [
        [1000, 25.9],
        [10000, 169.5],
      ],
      infer: [
        [1000, 8.6],
        [10000, 71.8],
      ],
      parameters: 723971,
    },
    'trans-mil': {
      train: [
        [1000, 323.4],
        [10000, 1379.4],
      ],
      infer: [
        [1000, 104.1],
        [10000, 476.5],
      ],
      parameters: 2672146,
    },
    'r2t-mil': {
      train: [
        [1000, 104.7],
        [10000, 810.5],
      ],
      infer: [
        [1000, 33.7],
        [10000, 285.1],
      ],
      parameters: 2697474,
    },
    'mamba-2d': {
      train: [
        [1000, 186.4],
        [10000, 1710.7],
      ],
      infer: [
        [1000, 61.9],
        [10000, 441],
      ],
      parameters: 265131,
    },
    'mhim-v2:ab-mil': {
      train: [
        [1000, 49.3],
        [10000, 273.9],
      ],
      infer: [
        [1000, 11.2],
        [10000, 85.6],
      ],
      parameters: 1641602,
    },
    'mhim-v2:ds-mil': {
      train: [
        [1000, 66.9],
        [10000, 346.6],
      ],
      infer: [
        [1000, 15.7],
        [10000, 119.1],
      ],
      parameters: 1923846,
    },
    'mhim-v2:trans-mil': {
      train: [
        [1000, 401.4],
        [10000, 1340.8],
      ],
      infer: [
        [1000, 139.8],
        [10000, 567.5],
      ],
      parameters: 3722258,
    },
  },
};
