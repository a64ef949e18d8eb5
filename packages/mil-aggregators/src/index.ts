export { ABMIL, gatedABMIL, mhimABMIL, type ABMILConfig, type ABMILLayout } from './ab-mil.js';
export {
  Aggregator,
  assertBag,
  type Aggregation,
  type AggregatorCall,
  type Positions,
  type Prediction,
} from './aggregator.js';
export { attentionPool, type AttentionWeights, type PoolActivation } from './attention-pool.js';
export { AttentionPooling, type AttentionNames, type AttentionPoolingConfig } from './attention-pooling.js';
export { MaxPooling, MeanPooling, type InstancePoolingConfig } from './instance-pooling.js';
export { sinCosPositions } from './position-embedding.js';
