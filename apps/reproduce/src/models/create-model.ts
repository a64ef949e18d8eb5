import { MHIMv2, type MHIMv2Config } from '@mhim/hard-mining';
import {
  checkAggregatorOptions,
  createAggregator,
  insideMhim,
  type Aggregator,
  type AggregatorName,
  type AggregatorOptions as RegistryOptions,
} from '@mhim/mil-aggregators';
import type { Rng } from '@mhim/tensor';
import type { AggregatorOptions, ModelConfig } from './model-config.js';

/** Builds the aggregator or MHIM-v2 that a model configuration describes, with fresh weights. */
export function createModel(config: ModelConfig, rng: Rng): Aggregator | MHIMv2 {
  const { model, inputDim, classes, aggregator } = config;
  const create = (stream: Rng): Aggregator =>
    createAggregator({ name: aggregatorOf(config), ...aggregator, inputDim, classes } as RegistryOptions, stream);
  return model === 'mhim-v2' ? new MHIMv2(create, rng, config.mhim as Partial<MHIMv2Config>) : create(rng);
}

/** The baseline that teacher and student start from: the aggregator of MHIM-v2 alone (officially `mhim_pure`). */
export function baselineOf(config: ModelConfig): ModelConfig {
  return { ...config, model: aggregatorOf(config), base: undefined, mhim: undefined };
}

/**
 * What is kept of the aggregator options: inside MHIM-v2 those of its base there, where the user says nothing.
 * @throws MhimError `config` for an option that the aggregator has not
 */
export function defaultAggregator(
  choice: Pick<ModelConfig, 'model' | 'base'>,
  options: AggregatorOptions,
): AggregatorOptions {
  const name = aggregatorOf(choice);
  checkAggregatorOptions(name, options);
  if (choice.model !== 'mhim-v2') return options;
  const { name: _name, inputDim: _in, ...base } = insideMhim({ name, inputDim: 0, ...options } as RegistryOptions);
  return base as AggregatorOptions;
}

function aggregatorOf({
  model,
  base = 'ab-mil',
}: Pick<ModelConfig, 'model' | 'base'>): AggregatorName & ModelConfig['model'] {
  return model === 'mhim-v2' ? base : model;
}
