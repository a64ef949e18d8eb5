export { hsvOf, closePlane, medianBlur, otsuPlane, saturationOf, thresholdPlane } from './images/operations.js';
export type { Plane } from './images/plane.js';
export { resize, type Box, type Filter } from './images/resample.js';
export type { RgbImage } from './images/rgb-image.js';
export { thumbnail } from './images/thumbnail.js';
export { bestLevelFor, levelsOf, type SlideLevel } from './openslide/level.js';
export { loadOpenSlide, type OpenSlideLibrary } from './openslide/library.js';
export { MAX_REGION_PIXELS, readStrips, type SlideReader, type Strip } from './openslide/slide-reader.js';
export { Slide } from './openslide/slide.js';
export {
  boundingBox,
  findContours,
  pointTests,
  polygonAreas,
  scalePolygon,
  type Contours,
  type Polygon,
} from './tissue/contours.js';
export { differenceOrder } from './tissue/python-set.js';
export {
  segmentSaturation,
  segmentTissue,
  type SegmentationSteps,
  type TissueRegion,
  type TissueSegmentation,
} from './tissue/segment-tissue.js';
export {
  checkSegmentation,
  SEGMENTATION_PRESETS,
  segmentationConfig,
  segmentationDefaults,
  type SegmentationConfig,
  type SegmentationPreset,
} from './tissue/segmentation-config.js';
export { drawRegions, tissueMask } from './tissue/tissue-mask.js';
export { tridentOtsu, tridentOtsuDefaults, type TridentOtsu, type TridentOtsuConfig } from './tissue/trident-otsu.js';
export { isBlackPatch, isWhitePatch, meanColour, meanSaturation } from './tiling/blank-patch.js';
export {
  CONTOUR_CHECKS,
  gridOf,
  patchGrid,
  patchGridDefaults,
  type ContourCheck,
  type LevelZeroGrid,
  type PatchGrid,
  type PatchGridConfig,
} from './tiling/patch-grid.js';
