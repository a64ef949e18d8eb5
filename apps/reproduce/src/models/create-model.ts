import * as tf from '@tensorflow/tfjs';
import { MHIM, MHIMv2, needsBaseline, type HardMining, type MiningConfig } from '@mhim/hard-mining';
import {
  checkAggregatorOptions,
  createAggregator,
  ibmilDefaults,
  insideMhim,
  type Aggregator,
  type AggregatorName,
  type AggregatorOptions,
  type MhimUse,
} from '@mhim/mil-aggregators';
import { MhimError, Rng } from '@mhim/tensor';
import type { AggregatorSettings, ModelConfig } from './model-config.js';
import { isMethod, type ModelName } from './model-names.js';

/** Builds the aggregator or the method over one that a model configuration describes, with fresh weights. */
export function createModel(config: ModelConfig, rng: Rng): Aggregator | HardMining {
  const { model, inputDim, classes, aggregator, mhim } = config;
  const name = aggregatorOf(config);
  const create = (stream: Rng) =>
    createAggregator({ name, ...aggregator, inputDim, classes } as unknown as AggregatorOptions, stream);
  switch (model) {
    case 'mhim':
      return new MHIM(create, rng, mhim);
    case 'mhim-v2':
      return new MHIMv2(create, rng, mhim);
    default:
      return create(rng);
  }
}

/** The aggregator of a model: itself, or what the method runs over. */
export function aggregatorOf({ model, base = 'ab-mil' }: { model: ModelName; base?: AggregatorName }): AggregatorName {
  return isMethod(model) ? base : model;
}

/**
 * Lets a method choose the hard instances of a small random bag: what cannot go with its aggregator shows before anything is
 * trained.
 * @throws MhimError `config` naming the option
 */
export function rehearse(config: ModelConfig): void {
  if (!isMethod(config.model)) return;
  const rng = new Rng(0);
  const model = createModel(config, rng) as HardMining;
  try {
    const positions = { xy: [0, 0, 1, 0, 0, 1, 1, 1], width: 2, height: 2 };
    tf.tidy(() => void model.mine(rng.normal([4, config.inputDim]), { rng, positions }));
  } finally {
    model.dispose();
  }
}

/** Rows of the confounder dictionary that a model is trained with; 0 for one that has none. */
export function confoundersOfModel({ model, aggregator }: Pick<ModelConfig, 'model' | 'aggregator'>): number {
  return model === 'ib-mil' ? Number(aggregator.confounders ?? ibmilDefaults.confounders) : 0;
}

/** Whether a model's training begins with another's. */
export function startsFromBaseline(config: ModelConfig): boolean {
  if (isMethod(config.model)) return needsBaseline(config.mhim as MiningConfig);
  return confoundersOfModel(config) > 0;
}

/**
 * The baseline that a training begins with. Of MHIM: the aggregator alone, as it is inside MHIM, from which teacher and student
 * start (officially `mhim_pure`). Of IBMIL: its first stage, the model without confounders.
 */
export function baselineOf(config: ModelConfig): ModelConfig {
  if (config.model === 'ib-mil') return { ...config, aggregator: { ...config.aggregator, confounders: 0 } };
  return { ...config, model: aggregatorOf(config), base: undefined, mhim: undefined };
}

/**
 * The aggregator options that are kept where the user gives some: inside MHIM an aggregator may have others by default.
 * @throws MhimError `config` for an option that the aggregator does not have or a value that it cannot have
 */
export function aggregatorSettings(
  model: { model: ModelName; base?: AggregatorName },
  given: AggregatorSettings,
  task?: MhimUse['task'],
): AggregatorSettings {
  const name = aggregatorOf(model);
  for (const size of ['inputDim', 'classes']) {
    if (!(size in given)) continue;
    throw new MhimError('is no option here: the data decide it.', {
      code: 'config',
      path: `aggregator.${size}`,
      hint: 'Leave it out.',
    });
  }
  checkAggregatorOptions(name, given, 'aggregator');
  if (!isMethod(model.model)) return given;
  const options = { name, inputDim: 1, ...given } as unknown as AggregatorOptions;
  const inside = insideMhim(options, { method: model.model, task });
  const { name: _name, inputDim: _inputDim, ...settings } = inside as AggregatorOptions & Record<string, unknown>;
  return settings;
}
