/** Steps of the scale: few enough that instances of one colour share a path, more than the eye tells apart. */
export const COLOUR_STEPS = 32;

/** Viridis: even in lightness, readable with every colour vision, on light and dark ground. `share` from 0 to 1. */
export function scaleColour(share: number): string {
  return `#${scaleRgb(share)
    .map((channel) => channel.toString(16).padStart(2, '0'))
    .join('')}`;
}

/** The same as red, green and blue from 0 to 255. */
export function scaleRgb(share: number): [number, number, number] {
  const position = Math.min(Math.max(share, 0), 1) * (ANCHORS.length - 1);
  const left = Math.min(Math.floor(position), ANCHORS.length - 2);
  const [from, to] = [ANCHORS[left], ANCHORS[left + 1]] as [Rgb, Rgb];
  const mix = (i: 0 | 1 | 2) => Math.round(from[i] + (to[i] - from[i]) * (position - left));
  return [mix(0), mix(1), mix(2)];
}

/** The step of a share from 0 to 1, an integer below {@link COLOUR_STEPS}. */
export function colourStep(share: number): number {
  return Math.min(Math.floor(Math.max(share, 0) * COLOUR_STEPS), COLOUR_STEPS - 1);
}

export function stepColour(step: number): string {
  return scaleColour((step + 0.5) / COLOUR_STEPS);
}

type Rgb = readonly [number, number, number];

const ANCHORS: readonly Rgb[] = [
  [68, 1, 84],
  [71, 44, 122],
  [59, 81, 139],
  [44, 113, 142],
  [33, 144, 141],
  [39, 173, 129],
  [92, 200, 99],
  [170, 220, 50],
  [253, 231, 37],
];
