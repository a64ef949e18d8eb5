export { contactSheet, patchPicture, topPatches } from './top-patches.js';
export { decodeRgb, encodeJpeg, encodePng, type RgbaPixels } from './encode.js';
export { guessPatchSize, HeatLayer, type HeatLayerOptions, type PaintArea, type PatchPlaces } from './heat-layer.js';
export { openPicture, type PictureImage, type PictureOptions } from './picture-image.js';
export { overlayPng, type OverlayOptions } from './overlay.js';
export {
  patchGeoJson,
  readOutlines,
  type Outline,
  type PatchClass,
  type PatchGeoJsonOptions,
} from './patch-geojson.js';
export { pyramidTiles, type PyramidTile } from './pyramid-tiles.js';
export { slideSize, type RgbPixels, type SlideImage } from './slide-image.js';
export { teacherMaps, type TeacherMapsOptions } from './teacher-maps.js';
export { writeLayerTiles, type LayerTilesOptions } from './write-layer-tiles.js';
export { slideTiles, writeSlideTiles, type SlideTilesOptions } from './write-slide-tiles.js';
export { writeWhole } from './write-whole.js';
