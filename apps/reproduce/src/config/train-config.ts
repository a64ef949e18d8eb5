import { z } from 'zod';
import { conferencePresets, presets, type ConferencePresetName, type PresetName } from '@mhim/hard-mining';
import type { AggregatorName } from '@mhim/mil-aggregators';
import { EXTRACTORS, FOLD_SCHEMES, type ExtractorName } from '@mhim/datasets';
import { MhimError } from '@mhim/tensor';
import { MAX_EPOCHS } from '@mhim/training';
import { COHORT_NAMES, findCohort } from '../cohorts/catalogue.js';
import type { Cohort } from '../cohorts/cohort.js';
import { aggregatorSettings } from '../models/create-model.js';
import { aggregatorSchema, methodSchemas, mhimSchema } from '../models/model-config.js';
import { BASES, findName, isMethod, METHODS, MODELS, type MethodName, type ModelName } from '../models/model-names.js';
import { checkConfig } from './read-config.js';

export const PROTOCOLS = ['paper', 'honest', 'both'] as const;
export const TASKS = ['classification', 'survival'] as const;
export const BIN_SOURCES = ['train', 'cohort'] as const;

/** More time bins than any cohort has deaths to tell apart. */
const MAX_BINS = 1000;

/** The named configurations of each method; the first is its default. */
const presetsOf = { mhim: conferencePresets, 'mhim-v2': presets } as const;
export const PRESETS = Object.values(presetsOf).flatMap((of) => Object.keys(of)) as (
  PresetName | ConferencePresetName
)[];

/** One of some names, in any of its spellings. */
const named = <N extends string>(names: readonly N[]) =>
  z.preprocess((value) => (typeof value === 'string' ? (findName(value, names) ?? value) : value), z.enum(names));

/** The name of what a spelling means. */
function spelling(find: (text: string) => { name: string } | undefined): (value: unknown) => unknown {
  return (value) => (typeof value === 'string' ? (find(value)?.name ?? value) : value);
}

/** What a configuration file may say, and what command line options set; all of it is optional. */
export const trainInputSchema = z
  .strictObject({
    /** Bag store, folder of feature files, or the name of a built-in data set. */
    data: z.string(),
    /** A data set of the paper, whose features lie below `data`: brings its task, its classes, its folds. */
    dataSet: z.preprocess(spelling(findCohort), z.enum(COHORT_NAMES as [string, ...string[]])),
    /** Of a data set: the encoder, where there are features of several. */
    extractor: z.enum(Object.keys(EXTRACTORS) as [ExtractorName, ...ExtractorName[]]),
    /** Of a data set: how it is split; default whole patients. */
    foldScheme: z.enum(FOLD_SCHEMES),
    /** Label table (CSV). */
    labels: z.string(),
    /** Folds file (JSON); without it, `k` stratified folds. */
    folds: z.string(),
    k: z.int().min(2),
    model: named(MODELS),
    /** What is learnt: classes (default), or survival from the columns time and event. */
    task: z.enum(TASKS),
    /** Survival: time bins, the model's outputs. */
    bins: z.int().min(2).max(MAX_BINS),
    /** Survival: whose event times make the edges of the bins. */
    binsFrom: z.enum(BIN_SOURCES),
    /** Survival: extra weight of the uncensored part of the likelihood. */
    alpha: z.number().min(0).max(1),
    /** Trains the aggregator that `model` names by this method: another way to say `model` and `base`. */
    mining: named(METHODS),
    base: named(BASES),
    preset: named(PRESETS),
    mhim: mhimSchema,
    aggregator: aggregatorSchema,
    /** Starts the feature layer of a model without mining from a training of its own kind (Table 11). */
    init: z.literal('feature'),
    protocol: z.enum(PROTOCOLS),
    /** Share of each class's training bags that the honest protocol sets aside. */
    validationRatio: z.number().gt(0).lt(1),
    seed: z.int().min(0).max(0xffffffff),
    epochs: z.int().min(1).max(MAX_EPOCHS),
    /** Epochs that the cosine of the learning rate and MHIM's decays are stretched over; default `epochs`. */
    scheduleEpochs: z.int().min(1).max(MAX_EPOCHS),
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
export type TrainConfig = Required<Omit<TrainInput, OpenChoice | 'mining'>> & Pick<TrainInput, OpenChoice>;
type OpenChoice =
  | 'dataSet'
  | 'extractor'
  | 'foldScheme'
  | 'labels'
  | 'folds'
  | 'k'
  | 'scheduleEpochs'
  | 'base'
  | 'preset'
  | 'mhim'
  | 'init'
  | 'task'
  | 'bins'
  | 'binsFrom'
  | 'alpha';

/** Whether a value is a training run's `config.json`: with the choices that every run has made, which a hand-written file leaves open. */
export function isTrainConfig(value: unknown): boolean {
  const { success, data } = trainInputSchema.safeParse(value);
  return success && [data.data, data.model, data.aggregator, data.protocol, data.seed, data.epochs].every(isDefined);
}

function isDefined(value: unknown): boolean {
  return value !== undefined;
}

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
  const { mining: _mining, ...given } = input;
  const { data } = input;
  const cohort = cohortOf(input);
  if (data === undefined) {
    throw cohort
      ? incomplete('root', 'the folder below which the features of the data set lie')
      : incomplete('data', 'a bag store, a folder of feature files or a built-in name');
  }
  const survival = (cohort?.task ?? input.task) === 'survival';
  for (const key of ['bins', 'binsFrom', 'alpha'] as const) {
    if (!survival && input[key] !== undefined) {
      throw new MhimError('is an option of survival, the task is classification.', {
        code: 'config',
        path: key,
        hint: 'Leave it out, or train with --task survival.',
      });
    }
  }
  const chosen = chosenModel(input);
  if (input.init !== undefined && isMethod(chosen.model)) {
    throw new MhimError(`is of models without mining, the model is ${chosen.model}.`, {
      code: 'config',
      path: 'init',
      hint: 'Say initStudent instead.',
    });
  }
  if (input.folds !== undefined && input.k !== undefined) {
    throw new MhimError('cannot go with --folds, whose file says how many there are.', {
      code: 'config',
      path: '--k',
      hint: 'Leave one of the two out.',
    });
  }
  if (input.scheduleEpochs !== undefined && input.scheduleEpochs < (input.epochs ?? 1)) {
    throw new MhimError(`is ${input.scheduleEpochs}, but ${input.epochs} epochs are to be run.`, {
      code: 'config',
      path: 'scheduleEpochs',
      hint: 'A schedule is as long as the run, or longer.',
    });
  }
  return {
    ...defaults,
    ...(survival ? survivalDefaults : {}),
    ...(cohort && ofCohort(cohort)),
    ...(input.folds === undefined ? { k: 5 } : {}),
    ...given,
    ...chosen,
    data,
    aggregator: aggregatorSettings(chosen, input.aggregator ?? {}, input.task),
    ...(isMethod(chosen.model) ? methodOptions(chosen.model, chosen.base, input) : {}),
  };
}

/** The data set that is named. @throws MhimError `config` for an option of data sets without one, or another task than its own */
function cohortOf({ dataSet, task, extractor, foldScheme, folds }: TrainInput): Cohort | undefined {
  const cohort = dataSet === undefined ? undefined : findCohort(dataSet);
  const fail = (path: string, what: string, hint: string) => new MhimError(what, { code: 'config', path, hint });
  for (const [path, value] of Object.entries({ extractor, foldScheme })) {
    if (value !== undefined && !cohort) throw fail(path, 'is an option of data sets.', 'Name one with --data-set.');
  }
  if (cohort && task !== undefined && task !== cohort.task) {
    throw fail('--task', `is ${task}, but ${cohort.name} is of ${cohort.task}.`, 'Leave it out.');
  }
  if (folds !== undefined && foldScheme !== undefined) {
    throw fail('--fold-scheme', 'cannot go with --folds, a file of folds.', 'Leave one of the two out.');
  }
  return cohort;
}

/** What a data set chooses. */
function ofCohort({ task, unit, patience }: Cohort): TrainInput {
  return { task, unit, foldScheme: 'patient', ...(patience !== undefined && { patience }) };
}

/** The model and its base, however they are said: `--model mhim-v2 --base X`, or `--model X --mining mhim-v2`. */
function chosenModel({ model, mining, base, preset, mhim }: TrainInput): { model: ModelName; base?: AggregatorName } {
  if (model === undefined) throw incomplete('model', MODELS.join(', '));
  if (isMethod(model)) {
    if (mining === undefined || mining === model) return { model, base: base ?? 'ab-mil' };
    throw new MhimError(`is ${mining}, but the model is ${model}.`, {
      code: 'config',
      path: '--mining',
      hint: 'Leave one of the two out, or name an aggregator with --model.',
    });
  }
  if (mining !== undefined) {
    if (base === undefined || base === model) return { model: mining, base: model };
    throw new MhimError(`is ${base}, but ${mining} is to run over --model ${model}.`, {
      code: 'config',
      path: '--base',
      hint: 'Leave one of the two out.',
    });
  }
  for (const [path, value] of Object.entries({ base, preset, mhim })) {
    if (value === undefined) continue;
    throw new MhimError(`is an option of ${METHODS.join(' and ')}, the model is ${model}.`, {
      code: 'config',
      path,
      hint: `Leave it out, or train with --model ${model} --mining mhim-v2.`,
    });
  }
  return { model };
}

/** All options of a method: its preset's under those given. The default is what was published for the aggregator, if anything. */
function methodOptions(
  method: MethodName,
  base: AggregatorName | undefined,
  { preset, mhim = {} }: TrainInput,
): Pick<TrainConfig, 'preset' | 'mhim'> {
  const own: Record<string, object> = presetsOf[method];
  const names = Object.keys(own) as (typeof PRESETS)[number][];
  const published = names.find((name) => name.startsWith('c16-') && findName(name.slice(4), BASES) === base);
  const name = preset ?? published ?? (names[0] as (typeof PRESETS)[number]);
  if (!Object.hasOwn(own, name)) {
    throw new MhimError(`${name} is no preset of ${method}.`, {
      code: 'config',
      path: '--preset',
      hint: `Expected one of ${names.join(', ')}.`,
    });
  }
  const options = checkConfig(mhim, methodSchemas[method], `options of ${method}`);
  return { preset: name, mhim: { ...own[name], ...options } };
}

function incomplete(option: string, expected: string): MhimError {
  return new MhimError(`is missing.`, {
    code: 'config',
    path: `--${option}`,
    hint: `Expected ${expected}; see reproduce train --help.`,
  });
}
