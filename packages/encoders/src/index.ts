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
export { resizeLikePillow } from './preprocessing/pillow-resize.js';
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
