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
export { squarePositions } from './grid-cells.js';
export { instancePoolingDefaults, MaxPooling, MeanPooling, type InstancePoolingConfig } from './instance-pooling.js';
export { Mamba2D, mamba2DDefaults, type GridAggregation, type Mamba2DConfig } from './mamba-2d.js';
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
export { scan2d, type GridSize } from './scan-2d.js';
export { selectiveScan2d, type SelectiveScanInputs, type SelectiveScanOptions } from './selective-scan-2d.js';
