import { MHIMv2, type MHIMv2Config } from '@mhim/hard-mining';
import {
  ABMIL,
  createAggregator,
  ibmilDefaults,
  MaxPooling,
  MeanPooling,
  mhimABMIL,
  type Aggregator,
  type AggregatorOptions as RegistryOptions,
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
    case 'ib-mil':
      return createAggregator({ name: model, ...sizes } as RegistryOptions<'ib-mil'>, rng);
    case 'mean-pooling':
      return new MeanPooling(sizes as InstancePoolingConfig, rng);
    case 'max-pooling':
      return new MaxPooling(sizes as InstancePoolingConfig, rng);
    case 'mhim-v2':
      return new MHIMv2((stream) => new ABMIL(sizes, stream), rng, config.mhim as Partial<MHIMv2Config>);
  }
}

/** Rows of the confounder dictionary that a model is trained with; 0 for one that has none. */
export function confoundersOfModel({ model, aggregator }: Pick<ModelConfig, 'model' | 'aggregator'>): number {
  return model === 'ib-mil' ? (aggregator.confounders ?? ibmilDefaults.confounders) : 0;
}

/** Whether a model's training begins with another's. */
export function startsFromBaseline(config: ModelConfig): boolean {
  const { model, mhim } = config;
  if (model !== 'mhim-v2') return confoundersOfModel(config) > 0;
  return mhim?.initTeacher === true || mhim?.initStudent !== 'none';
}

/**
 * The baseline that a training begins with. MHIM-v2: the aggregator alone, from which teacher and student start (officially
 * `mhim_pure`). IBMIL: its first stage, the model without confounders.
 */
export function baselineOf(config: ModelConfig): ModelConfig {
  if (config.model === 'ib-mil') return { ...config, aggregator: { ...config.aggregator, confounders: 0 } };
  return { ...config, model: config.base ?? 'ab-mil', base: undefined, mhim: undefined };
}

/** What is kept of the aggregator options where the user says nothing: MHIM's base has ReLU attention without biases. */
export function defaultAggregator(model: ModelConfig['model'], options: AggregatorOptions): AggregatorOptions {
  if (model !== 'mhim-v2') return options;
  const { inputDim: _in, classes: _classes, ...base } = mhimABMIL({ inputDim: 0 });
  return { ...base, ...options };
}
