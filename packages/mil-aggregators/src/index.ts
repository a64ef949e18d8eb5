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
export { instancePoolingDefaults, MaxPooling, MeanPooling, type InstancePoolingConfig } from './instance-pooling.js';
export {
  NystromAttention,
  nystromAttentionDefaults,
  type AttendedTokens,
  type Landmarks,
  type NystromAttentionConfig,
} from './nystrom-attention.js';
export { PPEG, type PPEGConfig } from './ppeg.js';
export { PseudoInverse } from './pseudo-inverse.js';
export { sinCosPositions } from './position-embedding.js';
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
export {
  mhimTransMIL,
  originalTransMIL,
  TransMIL,
  transMILDefaults,
  type TransMILAggregation,
  type TransMILConfig,
  type TransMILLayout,
} from './trans-mil.js';
