import { MHIMv2, type MHIMv2Config } from '@mhim/hard-mining';
import {
  ABMIL,
  MaxPooling,
  MeanPooling,
  mhimABMIL,
  type Aggregator,
  type InstancePoolingConfig,
} from '@mhim/mil-aggregators';
import type { Rng } from '@mhim/tensor';
import type { AggregatorOptions, ModelConfig } from './model-config.js';

/** Builds the aggregator or MHIM-v2 that a model configuration describes, with fresh weights. */
export function createModel(config: ModelConfig, rng: Rng): Aggregator | MHIMv2 {
  const { model, inputDim, classes, aggregator } = config;
  const sizes = { ...aggregator, inputDim, classes };
  switch (model) {
    case 'ab-mil':
      return new ABMIL(sizes, rng);
    case 'mean-pooling':
      return new MeanPooling(sizes as InstancePoolingConfig, rng);
    case 'max-pooling':
      return new MaxPooling(sizes as InstancePoolingConfig, rng);
    case 'mhim-v2':
      return new MHIMv2((stream) => new ABMIL(sizes, stream), rng, config.mhim as Partial<MHIMv2Config>);
  }
}

/** The baseline that teacher and student start from: the aggregator of MHIM-v2 alone (officially `mhim_pure`). */
export function baselineOf(config: ModelConfig): ModelConfig {
  return { ...config, model: config.base ?? 'ab-mil', base: undefined, mhim: undefined };
}

/** What is kept of the aggregator options where the user says nothing: MHIM's base has ReLU attention without biases. */
export function defaultAggregator(model: ModelConfig['model'], options: AggregatorOptions): AggregatorOptions {
  if (model !== 'mhim-v2') return options;
  const { inputDim: _in, classes: _classes, ...base } = mhimABMIL({ inputDim: 0 });
  return { ...base, ...options };
}
