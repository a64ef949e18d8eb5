export {
  HEAT_CALL,
  HEAT_VERSION,
  heatScript,
  parseHeatScript,
  type HeatIndex,
  type HeatModelEntry,
  type HeatScores,
  type HeatSlide,
  type HeatTiles,
} from './heat-file.js';
export {
  backgroundColour,
  CYAN_THRESHOLD,
  HEAT_STYLES,
  heatColour,
  OUTLINE_COLOUR,
  type HeatStyle,
  type Rgba,
} from './heat-colours.js';
export { NORMALISATIONS, normaliseScores, type Normalisation, type NormaliseOptions } from './normalise.js';
export { patchOutline, type Edge } from './patch-outline.js';
