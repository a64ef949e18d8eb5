export {
  createEncoder,
  type EfficientNetLite0Options,
  type EncoderOptions,
  type OnnxEncoderOptions,
  type PublishedEncoderOptions,
} from './create-encoder.js';
export { obtainEfficientNetLite0, type DefaultWeightsOptions } from './default-weights.js';
export {
  Encoder,
  type EncodedImages,
  type EncoderDescription,
  type EncoderEngine,
  type ImageBatch,
} from './encoder.js';
export type { RgbImage } from './image.js';
export type { Tap } from './layers/in-turn.js';
export {
  EfficientNetLite0,
  efficientNetLite0Defaults,
  efficientNetLite0Outputs,
  type EfficientNetLite0Output,
  type EfficientNetLiteConfig,
  type MobileStage,
} from './networks/efficientnet-lite0.js';
export { plipDefaults, PlipVisionTower, type PlipConfig } from './networks/plip-vision-tower.js';
export { ResNet50Trunc, resNet50TruncDefaults, type ResNetConfig } from './networks/resnet-50-trunc.js';
export { uniDefaults, UniVisionTransformer, type VisionTransformerConfig } from './networks/uni-vision-transformer.js';
export { resizeLikePillow, type Box } from './preprocessing/pillow-resize.js';
export {
  normalise,
  preprocessingNames,
  preprocessingOf,
  preprocessings,
  resizeAndCrop,
  type Preprocessing,
  type PreprocessingName,
} from './preprocessing/preprocessing.js';
export type { ResamplingFilter } from './preprocessing/resampling-taps.js';
export { NetworkEngine } from './network-engine.js';
export type { OnnxEngineOptions } from './onnx-engine.js';
export {
  checkpointLayouts,
  encoderNames,
  encoders,
  type EncoderInfo,
  type EncoderName,
  type PublishedEncoder,
} from './registry.js';
export { loadWeights, type CheckpointLayout } from './weights.js';
