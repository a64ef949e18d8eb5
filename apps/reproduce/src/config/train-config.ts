import { z } from 'zod';
import { presets, type PresetName } from '@mhim/hard-mining';
import { MhimError } from '@mhim/tensor';
import { defaultAggregator } from '../models/create-model.js';
import { aggregatorSchema, BASES, mhimSchema, MODELS } from '../models/model-config.js';

export const PROTOCOLS = ['paper', 'honest', 'both'] as const;
export const TASKS = ['classification', 'survival'] as const;
export const BIN_SOURCES = ['train', 'cohort'] as const;
export const PRESETS = Object.keys(presets) as [PresetName, ...PresetName[]];

/** What a configuration file may say, and what command line options set; all of it is optional. */
export const trainInputSchema = z
  .strictObject({
    /** Bag store, folder of feature files, or the name of a built-in data set. */
    data: z.string(),
    /** Label table (CSV). */
    labels: z.string(),
    /** Folds file (JSON); without it, `k` stratified folds. */
    folds: z.string(),
    k: z.int().min(2),
    model: z.enum(MODELS),
    /** What is learnt: classes (default), or survival from the columns time and event. */
    task: z.enum(TASKS),
    /** Survival: time bins, the model's outputs. */
    bins: z.int().min(2),
    /** Survival: whose event times make the edges of the bins. */
    binsFrom: z.enum(BIN_SOURCES),
    /** Survival: extra weight of the uncensored part of the likelihood. */
    alpha: z.number().min(0).max(1),
    base: z.enum(BASES),
    preset: z.enum(PRESETS),
    mhim: mhimSchema,
    aggregator: aggregatorSchema,
    protocol: z.enum(PROTOCOLS),
    /** Share of each class's training bags that the honest protocol sets aside. */
    validationRatio: z.number().gt(0).lt(1),
    seed: z.int().min(0).max(0xffffffff),
    epochs: z.int().min(1),
    learningRate: z.number().positive(),
    weightDecay: z.number().min(0),
    /** Epochs without improvement (a tie counts as one) before training stops. */
    patience: z.int().min(1),
    /** Training does not stop for lack of improvement before this many epochs. */
    minimumEpochs: z.int().min(0),
    /** From this epoch on training stops when the selection metric is perfect. */
    perfectFrom: z.int().min(0),
    /** Whether features are standardised by the training fold's instances. */
    standardise: z.boolean(),
    onMissing: z.enum(['error', 'skip']),
    unit: z.enum(['slide', 'case']),
  })
  .partial();
export type TrainInput = z.infer<typeof trainInputSchema>;

/** A training run, every choice made: what `config.json` of a run folder holds. It is a valid configuration file itself. */
export type TrainConfig = Required<Omit<TrainInput, OpenChoice>> & Pick<TrainInput, OpenChoice>;
type OpenChoice = 'labels' | 'folds' | 'k' | 'base' | 'preset' | 'mhim' | 'task' | 'bins' | 'binsFrom' | 'alpha';

/** The settings of the reference runs: Adam 2·10⁻⁴, L2 10⁻⁵, one bag a step, cosine over the epochs, patience 30. */
const defaults = {
  protocol: 'paper',
  validationRatio: 0.2,
  seed: 2021,
  epochs: 200,
  learningRate: 2e-4,
  weightDecay: 1e-5,
  patience: 30,
  minimumEpochs: 0,
  perfectFrom: 60,
  standardise: true,
  onMissing: 'error',
  unit: 'slide',
} satisfies TrainInput;

/** Of survival: the paper's 30 epochs without early stopping, a patient's slides as one bag, bins of the training fold. */
const survivalDefaults = { epochs: 30, unit: 'case', bins: 4, binsFrom: 'train', alpha: 0 } satisfies TrainInput;

/**
 * Makes every choice that file and options leave open.
 * @param input options of the command line over those of a configuration file
 * @throws MhimError `config` for a choice that is missing or cannot go with another
 */
export function resolveTrainConfig(input: TrainInput): TrainConfig {
  const { data, model } = input;
  if (data === undefined) throw incomplete('data', 'a bag store, a folder of feature files or a built-in name');
  if (model === undefined) throw incomplete('model', MODELS.join(', '));
  const mines = model === 'mhim-v2';
  for (const key of ['base', 'preset', 'mhim'] as const) {
    if (!mines && input[key] !== undefined) {
      throw new MhimError(`is an option of mhim-v2, the model is ${model}.`, {
        code: 'config',
        path: key,
        hint: `Leave it out, or train with --model mhim-v2 --base ${model}.`,
      });
    }
  }
  const survival = input.task === 'survival';
  for (const key of ['bins', 'binsFrom', 'alpha'] as const) {
    if (!survival && input[key] !== undefined) {
      throw new MhimError('is an option of survival, the task is classification.', {
        code: 'config',
        path: key,
        hint: 'Leave it out, or train with --task survival.',
      });
    }
  }
  if (input.folds !== undefined && input.k !== undefined) {
    throw new MhimError('cannot go with --folds, whose file says how many there are.', {
      code: 'config',
      path: '--k',
      hint: 'Leave one of the two out.',
    });
  }
  const { preset = 'paper', base = 'ab-mil' } = input;
  return {
    ...defaults,
    ...(survival ? survivalDefaults : {}),
    ...(input.folds === undefined ? { k: 5 } : {}),
    ...input,
    data,
    model,
    aggregator: defaultAggregator(model, input.aggregator ?? {}),
    ...(mines ? { base, preset, mhim: { ...presets[preset], ...input.mhim } } : {}),
  };
}

function incomplete(option: string, expected: string): MhimError {
  return new MhimError(`is missing.`, {
    code: 'config',
    path: `--${option}`,
    hint: `Expected ${expected}; see reproduce train --help.`,
  });
}
