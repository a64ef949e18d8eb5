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
export { confounderDictionary, type ConfounderOptions } from './confounders.js';
export { CrossRegionAttention, type CrossRegionAttentionConfig } from './cross-region-attention.js';
export { GroupAttention, groupAttentionDefaults, type GroupAttentionConfig } from './group-attention.js';
export { criticalScores, type QueryWeights } from './critical-scores.js';
export type { Distillation } from './distillation.js';
export {
  DSMIL,
  dsmilDefaults,
  mhimDSMIL,
  type DSMILAggregation,
  type DSMILConfig,
  type DSMILLayout,
} from './ds-mil.js';
export {
  dtfdDefaults,
  DTFDMIL,
  officialDTFD,
  type DTFDAggregation,
  type DTFDCall,
  type DTFDMILConfig,
} from './dtfd-mil.js';
export {
  IBMIL,
  ibmilDefaults,
  mhimIBMIL,
  type ConfounderMerge,
  type Deconfounded,
  type IBMILConfig,
} from './ib-mil.js';
export {
  clusterInstances,
  type ClusteringOptions,
  type ClusteringTask,
  type InstanceClustering,
} from './instance-clustering.js';
export { instancePoolingDefaults, MaxPooling, MeanPooling, type InstancePoolingConfig } from './instance-pooling.js';
export type { MhimUse } from './mhim-use.js';
export {
  NystromAttention,
  nystromAttentionDefaults,
  type AttendedTokens,
  type Landmarks,
  type NystromAttentionConfig,
} from './nystrom-attention.js';
export { PPEG, type PPEGConfig } from './ppeg.js';
export { PseudoInverse } from './pseudo-inverse.js';
export { squarePositions } from './grid-cells.js';
export { Mamba2D, mamba2DDefaults, type GridAggregation, type Mamba2DConfig } from './mamba-2d.js';
export { sinCosPositions } from './position-embedding.js';
export type { PseudoBags } from './pseudo-bags.js';
export { R2TMIL, r2tmilDefaults, type R2TAggregation, type R2TMILConfig } from './r2t-mil.js';
export { RegionAttention, type RegionAttentionConfig } from './region-attention.js';
export { consecutiveGroups, RegionGrid, type RegionOptions, type TokenGroups } from './token-groups.js';
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
export {
  mhimTransMIL,
  originalTransMIL,
  TransMIL,
  transMILDefaults,
  type TransMILAggregation,
  type TransMILConfig,
  type TransMILLayout,
} from './trans-mil.js';
export { scan2d, type GridSize } from './scan-2d.js';
export { selectiveScan2d, type SelectiveScanInputs, type SelectiveScanOptions } from './selective-scan-2d.js';
