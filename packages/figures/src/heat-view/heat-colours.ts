import { scaleRgb } from '../colour-scale.js';

/** Red, green, blue from 0 to 255, opacity from 0 to 1. */
export type Rgba = readonly [red: number, green: number, blue: number, alpha: number];

/**
 * How a layer of patches is painted (MHIM-v2 Figs. 1 and 7):
 * `brightness`: the slide is darkened, less where the share is high, so bright patches are those that are looked at;
 * `cyan`: patches above a threshold are cyan, the brighter the more confident, others are left as they are;
 * `scale`: the colours of viridis, as the reports' maps.
 */
export const HEAT_STYLES = ['brightness', 'cyan', 'scale'] as const;
export type HeatStyle = (typeof HEAT_STYLES)[number];

/** Of tumour outlines. */
export const OUTLINE_COLOUR = '#1d5bff';

/** From which probability on a patch is cyan. */
export const CYAN_THRESHOLD = 0.5;

/** How dark a patch of share 0 and the slide between patches are. */
const VEIL = 0.78;
const SCALE_OPACITY = 0.6;

/** The colour that lies over a patch of a share from 0 to 1; one that is NaN has no colour of its own. */
export function heatColour(style: HeatStyle, share: number, threshold = CYAN_THRESHOLD): Rgba {
  if (Number.isNaN(share)) return backgroundColour(style);
  switch (style) {
    case 'brightness':
      return [0, 0, 0, VEIL * (1 - share)];
    case 'cyan':
      return cyan(share, threshold);
    case 'scale':
      return [...scaleRgb(share), SCALE_OPACITY];
  }
}

/** The colour of a layer where no patch is. */
export function backgroundColour(style: HeatStyle): Rgba {
  return style === 'brightness' ? [0, 0, 0, VEIL] : TRANSPARENT;
}

const TRANSPARENT: Rgba = [0, 0, 0, 0];

function cyan(share: number, threshold: number): Rgba {
  if (share < threshold) return TRANSPARENT;
  const confidence = threshold < 1 ? (share - threshold) / (1 - threshold) : 1;
  return [0, 120 + 135 * confidence, 130 + 125 * confidence, 0.4 + 0.3 * confidence];
}
