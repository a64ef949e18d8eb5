export { ABMIL, abmilDefaults, gatedABMIL, mhimABMIL, type ABMILConfig, type ABMILLayout } from './ab-mil.js';
export {
  Aggregator,
  assertBag,
  type Aggregation,
  type AggregatorCall,
  type BagTarget,
  type LabelLoss,
  type Positions,
  type Prediction,
} from './aggregator.js';
export { attentionPool, type AttentionWeights, type PoolActivation } from './attention-pool.js';
export { AttentionPooling, type AttentionNames, type AttentionPoolingConfig } from './attention-pooling.js';
export type { Distillation } from './distillation.js';
export {
  dtfdDefaults,
  DTFDMIL,
  officialDTFD,
  type DTFDAggregation,
  type DTFDCall,
  type DTFDMILConfig,
} from './dtfd-mil.js';
export { instancePoolingDefaults, MaxPooling, MeanPooling, type InstancePoolingConfig } from './instance-pooling.js';
export { sinCosPositions } from './position-embedding.js';
export type { PseudoBags } from './pseudo-bags.js';
export {
  aggregatorNames,
  checkAggregatorOptions,
  createAggregator,
  insideMhim,
  registry,
  type AggregatorName,
  type AggregatorOptions,
  type RegistryEntry,
} from './registry.js';
