export { ABMIL, abmilDefaults, gatedABMIL, mhimABMIL, type ABMILConfig, type ABMILLayout } from './ab-mil.js';
export {
  Aggregator,
  assertBag,
  type Aggregation,
  type AggregatorCall,
  type BagTarget,
  type InstanceScore,
  type LabelLoss,
  type Positions,
  type Prediction,
} from './aggregator.js';
export { attentionPool, type AttentionWeights, type PoolActivation } from './attention-pool.js';
export { AttentionPooling, type AttentionNames, type AttentionPoolingConfig } from './attention-pooling.js';
export { CLAM, clamDefaults, CLAMMB, CLAMSB, type CLAMConfig, type CLAMLayout, type InstanceVerdict } from './clam.js';
export { criticalScores, type QueryWeights } from './critical-scores.js';
export {
  DSMIL,
  dsmilDefaults,
  mhimDSMIL,
  type DSMILAggregation,
  type DSMILConfig,
  type DSMILLayout,
} from './ds-mil.js';
export {
  clusterInstances,
  type ClusteringOptions,
  type ClusteringTask,
  type InstanceClustering,
} from './instance-clustering.js';
export { instancePoolingDefaults, MaxPooling, MeanPooling, type InstancePoolingConfig } from './instance-pooling.js';
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
export { decidedRows, topKSvm, type TopKSvmOptions } from './top-k-svm.js';
export { valuePool, type ValueWeights } from './value-pool.js';
