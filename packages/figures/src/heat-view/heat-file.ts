/**
 * The files that the page reads, beside the tiles: `heatmaps.js` (an index) and a `scores.js` for each slide and model. They are
 * scripts, because a page that is opened from a disk may load scripts but no data; each is one call with one JSON value.
 */
export const HEAT_VERSION = 1;

/** The function that the page defines and the files call. */
export const HEAT_CALL = { index: 'mhimHeatmaps', scores: 'mhimScores' } as const;

/** `heatmaps.js` */
export interface HeatIndex {
  version: typeof HEAT_VERSION;
  title: string;
  slides: HeatSlide[];
}

export interface HeatSlide {
  id: string;
  /** Below the index's folder, with `/`. */
  folder: string;
  /** Size at level 0. */
  width: number;
  height: number;
  micronsPerPixel?: number;
  /** Known class. */
  label?: string;
  tiles: HeatTiles;
  /** Annotated regions, level-0 pixels, x and y in turn. */
  outlines?: { name: string; ring: number[] }[];
  models: HeatModelEntry[];
}

/** A deep-zoom pyramid: `slide_files/LEVEL/COLUMN_ROW.FORMAT`. */
export interface HeatTiles {
  width: number;
  height: number;
  tileSize: number;
  format: 'jpg' | 'png';
}

/** A model's verdict on a slide, as the list shows it. */
export interface HeatModelEntry {
  /** Folder below the slide's. */
  id: string;
  name: string;
  /** Which models: a fold, or the mean of several. */
  detail?: string;
  classNames: string[];
  probabilities: number[];
  /** Survival: the risk, in place of classes. */
  risk?: number;
  /** Names of pictures and tables in the model's folder, to open or to keep. */
  files?: string[];
}

/** `scores.js`: a slide's patches as one model sees them. */
export interface HeatScores {
  version: typeof HEAT_VERSION;
  slide: string;
  model: string;
  /** Side of a patch, level-0 pixels. */
  patchSize: number;
  /** Upper left corners, level-0 pixels. */
  x: number[];
  y: number[];
  attention?: number[];
  /** What `score` is, e.g. "probability of positive" or "risk". */
  scoreName: string;
  /** Class-aware instance score. */
  score: number[];
  /** Of a probability: that at which the class is favoured as much as the others together are on average. Colours are centred on it. */
  centre?: number;
  /** True labels of the patches, where known; -1 unknown. */
  labels?: number[];
  /** Patches with the highest scores first, by which score. */
  top: { by: 'attention' | 'score'; index: number; image: string }[];
}

/** The text of a file: a call that the page answers. */
export function heatScript(call: string, value: HeatIndex | HeatScores): string {
  // Both separators are line ends to scripts of before 2019.
  const json = JSON.stringify(value).replace(/[\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16)}`);
  return `${call}(${json});\n`;
}

/** What {@link heatScript} made a text of; undefined for any other text. */
export function parseHeatScript(call: string, text: string): unknown {
  if (!text.startsWith(`${call}(`) || !text.endsWith(');\n')) return undefined;
  try {
    return JSON.parse(text.slice(call.length + 1, -3));
  } catch {
    return undefined;
  }
}
