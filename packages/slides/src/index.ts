export { hsvOf, closePlane, medianBlur, otsuPlane, saturationOf, thresholdPlane } from './images/operations.js';
export type { Plane } from './images/plane.js';
export type { RgbImage } from './images/rgb-image.js';
export { readOnBackground, thumbnail } from './images/thumbnail.js';
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
export { BUILT_IN_SLIDES, obtainBuiltInSlide, type BuiltInSlide } from './built-in-slides.js';
export { colourEncoder } from './features/colour-encoder.js';
export type { PatchEncoder, PatchFeatures } from './features/encoder.js';
export { extractFeatures, type ExtractFeaturesOptions } from './features/extract-features.js';
export { findSlides, SLIDE_EXTENSIONS, slideName } from './find-slides.js';
export { writePng } from './images/png.js';
export {
  featureFile,
  processSlide,
  slidePipelineDefaults,
  type ProcessSlideOptions,
  type SlidePipelineConfig,
  type SlideResult,
  type SlideStage,
} from './process-slide.js';
export {
  encoderIdentity,
  knownResult,
  processSlides,
  readSlidesConfig,
  type ProcessSlidesOptions,
  type StoredConfig,
} from './process-slides.js';
export {
  findCoordsFile,
  readCoordsFile,
  writeClamCoords,
  writeTridentCoords,
  type ClamCoordsOptions,
  type CoordsFile,
  type TridentCoordsOptions,
} from './tiling/coords-file.js';
export { readingOf } from './tiling/coords-reading.js';
export { dropBlankPatches, type DropBlankOptions } from './tiling/drop-blank.js';
export {
  baseMagnificationOf,
  checkPatchPlan,
  patchPlanDefaults,
  planPatches,
  readPatch,
  type PatchPlan,
  type PatchPlanOptions,
  type PatchReading,
} from './tiling/patch-plan.js';
export { tissueOverlay, type OverlayOptions } from './tissue/overlay.js';
