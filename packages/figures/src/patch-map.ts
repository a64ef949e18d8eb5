import { figureWidth } from './chart.js';
import { checkCoords, checkLength } from './check-report-data.js';
import { COLOUR_STEPS, colourStep } from './colour-scale.js';
import { heatColour, OUTLINE_COLOUR } from './heat-view/heat-colours.js';
import { normaliseScores } from './heat-view/normalise.js';
import { patchOutline } from './heat-view/patch-outline.js';
import { marksPath, type InstancePlaces, type MapFigure, type MapOptions } from './instance-map.js';
import { gridStep, layoutMap, type MapLayout } from './map-layout.js';
import type { InstanceScores, Numbers } from './report-data.js';
import { px, svgFigure } from './svg.js';
import { formatCount, labelText } from './text.js';

/** How patches are painted as in MHIM-v2's Figs. 1 and 7. */
export type PatchStyle = Exclude<NonNullable<InstanceScores['style']>, 'scale'>;

export interface PatchMapInput extends InstancePlaces {
  /** [n] */
  scores: Numbers;
  style: PatchStyle;
  /** Of `cyan`: the score above which a patch is cyan. */
  centre?: number;
  /** [n] 1 = positive: patches that are outlined in blue, where they lie on a grid. */
  labels?: ArrayLike<number | null>;
}

/**
 * Patches at their places on plain tissue, as MHIM-v2's Figs. 1 and 7 paint them on slides; no words in it, so that it can be small.
 * @throws FigureError `data` for coordinates that are not finite or not two for every score
 */
export function patchMap(input: PatchMapInput, options: MapOptions = {}): MapFigure {
  const { title, coords, scores, labels, style } = input;
  checkLength(scores, 'scores');
  checkCoords(coords, scores.length);
  const width = figureWidth(options);
  const top = options.simulated ? 18 : 4;
  const { maxMarks = 12_000 } = options;
  const layout = layoutMap(coords, { width: width - 8, maxHeight: width, maxMarks }, input.patchSize);
  const left = Math.round((width - layout.width) / 2);
  const body = [
    `<rect x="${left - 2}" y="${top - 2}" width="${px(layout.width + 4)}" height="${px(layout.height + 4)}" fill="${SLIDE}"/>`,
    `<g transform="translate(${left} ${top})" fill="none">${painted(input, layout)}${labels ? outline(input, layout) : ''}</g>`,
  ].join('');
  const description = `Map of ${formatCount(scores.length)} instances: ${WORDS[style]}.`;
  const height = Math.ceil(top + layout.height + 4);
  const svg = svgFigure({ width, height, title: labelText(title), description, body }, options);
  return { svg, isMerged: layout.isMerged, marks: layout.marks.length };
}

/** What the colours of each style say. */
export const WORDS: Readonly<Record<PatchStyle, string>> = {
  brightness: 'the higher a patch ranks in its bag, the brighter it is',
  cyan: 'patches whose own logits favour the class, the brighter the more, by the scale of their bag',
  masked: 'masked patches',
};

/** Glass, and tissue that nothing is known of. */
const SLIDE = '#f6f4f7';
const TISSUE = [221, 200, 216] as const;

type Mark = MapLayout['marks'][number];

function painted({ scores, style, centre }: PatchMapInput, layout: MapLayout): string {
  const values = layout.marks.map(({ instances }) => (style === 'masked' ? meanOf : highestOf)(instances, scores));
  const shares =
    style === 'masked'
      ? values
      : normaliseScores(values, style === 'brightness' ? { method: 'rank' } : { method: 'centred', centre });
  const steps = new Map<string, Mark[]>();
  layout.marks.forEach((mark, i) => {
    const colour = colourOf(style, shares[i] as number);
    const own = steps.get(colour);
    if (own) own.push(mark);
    else steps.set(colour, [mark]);
  });
  return [...steps].map(([colour, marks]) => marksPath(marks, layout, colour)).join('');
}

/** Of a share in steps, so that patches of one colour share a path. */
function colourOf(style: PatchStyle, share: number): string {
  const even = Number.isNaN(share) ? share : (colourStep(share) + 0.5) / COLOUR_STEPS;
  const [red, green, blue, alpha] =
    style === 'masked' ? [0, 0, 0, share] : heatColour(style, style === 'cyan' && share < 0.5 ? 0 : even);
  const over = [red, green, blue] as const;
  const mixed = TISSUE.map((below, i) => Math.round(below + ((over[i] as number) - below) * (alpha || 0)));
  return `#${mixed.map((channel) => channel.toString(16).padStart(2, '0')).join('')}`;
}

/** Round what is known to be positive; patches that lie on no grid have no outline. */
function outline({ coords, patchSize, labels = [] }: PatchMapInput, { scale }: MapLayout): string {
  const size = patchSize ?? gridStep(coords);
  if (size === null || size === undefined || !(size > 0)) return '';
  const [left, top] = [least(coords, 0), least(coords, 1)];
  const at = (value: number, from: number) => px((value - from) * scale);
  const path = patchOutline(coords, size, (i) => labels[i] === 1)
    .map(([x1, y1, x2, y2]) => `M${at(x1, left)} ${at(y1, top)}L${at(x2, left)} ${at(y2, top)}`)
    .join('');
  return path === '' ? '' : `<path d="${path}" stroke="${OUTLINE_COLOUR}" stroke-width="2" stroke-linecap="square"/>`;
}

function least(coords: Numbers, axis: 0 | 1): number {
  let found = Infinity;
  for (let i: number = axis; i < coords.length; i += 2) found = Math.min(found, coords[i] as number);
  return found;
}

function highestOf(instances: readonly number[], values: Numbers): number {
  const finite = instances.map((i) => values[i] as number).filter(Number.isFinite);
  return finite.length === 0 ? NaN : finite.reduce((a, b) => Math.max(a, b));
}

function meanOf(instances: readonly number[], values: Numbers): number {
  return instances.reduce((sum, i) => sum + (values[i] as number), 0) / instances.length;
}
