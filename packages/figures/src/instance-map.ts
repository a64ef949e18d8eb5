import { figureWidth } from './chart.js';
import { checkCoords, checkLength } from './check-report-data.js';
import { COLOUR_STEPS, colourStep, scaleColour, stepColour } from './colour-scale.js';
import { groupColour, groupCounts, labelGroup, LABEL_GROUPS, type InstanceClasses } from './instance-labels.js';
import { layoutMap, type MapLayout } from './map-layout.js';
import { percentiles } from './percentiles.js';
import type { Numbers } from './report-data.js';
import { px, svgFigure, type FigureOptions } from './svg.js';
import { escapeText, formatCount, labelText } from './text.js';
import { theme } from './theme.js';

export interface InstancePlaces {
  /** Heading. */
  title: string;
  /** [n, 2] row by row: x to the right, y down. */
  coords: Numbers;
  patchSize?: number;
  micronsPerUnit?: number;
}

export interface MapOptions extends FigureOptions {
  /** Above so many instances neighbours share a mark, default 12,000. */
  maxMarks?: number;
}

/** An SVG and whether marks in it stand for several instances, for the caption. */
export interface MapFigure {
  svg: string;
  isMerged: boolean;
  marks: number;
}

/**
 * Instances at their places, coloured by the percentile of their score within the bag; a shared mark has its highest score and is
 * ranked among marks. Percentiles use the
 * whole colour scale in every bag, so a bag of the negative class has bright places too.
 * @throws FigureError `data` for coordinates that are not finite or not two for every score
 */
export function instanceMap(
  places: InstancePlaces & { scores: Numbers; scoreName?: string },
  options: MapOptions = {},
): string {
  return scoreMap(places, options).svg;
}

/** As {@link instanceMap}, coloured by the known label of each instance; a shared mark is positive when one of its instances is. */
export function instanceLabelMap(
  places: InstancePlaces & { labels: ArrayLike<number | null>; classes?: InstanceClasses },
  options: MapOptions = {},
): string {
  return labelMap(places, options).svg;
}

export function scoreMap(
  places: InstancePlaces & { scores: Numbers; scoreName?: string },
  options: MapOptions = {},
): MapFigure {
  checkLength(places.scores, 'scores');
  const colours = theme(options.theme);
  const name = labelText(places.scoreName ?? 'score', 40);
  const layers = (layout: MapLayout) => {
    // Ranked after merging: among single instances, the highest of several would be bright nearly everywhere.
    const ranks = percentiles(layout.marks.map(({ instances }) => highest(instances, places.scores)));
    const steps = Array.from({ length: COLOUR_STEPS + 1 }, (): Mark[] => []);
    layout.marks.forEach((mark, i) => {
      const share = (ranks[i] as number) / 100;
      (steps[Number.isNaN(share) ? 0 : colourStep(share) + 1] as Mark[]).push(mark);
    });
    return steps.map((marks, i) => ({ marks, colour: i === 0 ? colours.unknown : stepColour(i - 1) }));
  };
  return drawMap(places, places.scores.length, layers, scoreLegend(name, options), `percentile of ${name}`, options);
}

export function labelMap(
  places: InstancePlaces & { labels: ArrayLike<number | null>; classes?: InstanceClasses },
  options: MapOptions = {},
): MapFigure {
  checkLength(places.labels, 'labels');
  const colours = theme(options.theme);
  const layers = (layout: MapLayout) =>
    LABEL_GROUPS.map((group) => ({
      colour: groupColour(group, colours),
      marks: layout.marks.filter(({ instances }) => topGroup(instances, places.labels) === group),
    }));
  const counts = groupCounts(places.labels, places.classes);
  const legend = counts.map(({ group, text }, i) => {
    const y = 6 + i * 16;
    return `<rect x="4" y="${y}" width="10" height="10" rx="2" fill="${groupColour(group, colours)}"/><text x="20" y="${y + 9}" font-size="11" fill="${colours.ink}">${escapeText(labelText(text, 52))}</text>`;
  });
  const texts = counts.map(({ text }) => text).join(', ');
  return drawMap(
    places,
    places.labels.length,
    layers,
    { markup: legend.join(''), height: counts.length * 16 + 8 },
    texts,
    options,
  );
}

type Mark = MapLayout['marks'][number];

const TOP = 26;

function drawMap(
  { title, coords, patchSize, micronsPerUnit }: InstancePlaces,
  instances: number,
  layers: (layout: MapLayout) => { marks: readonly Mark[]; colour: string }[],
  legend: { markup: string; height: number },
  description: string,
  options: MapOptions,
): MapFigure {
  checkCoords(coords, instances);
  const width = figureWidth(options);
  const { maxMarks = 12_000, simulated } = options;
  const layout = layoutMap(coords, { width: width - 8, maxHeight: width, maxMarks }, patchSize);
  const colours = theme(options.theme);
  const left = Math.round((width - layout.width) / 2);
  const paths = layers(layout)
    .filter(({ marks }) => marks.length > 0)
    .map(({ marks, colour }) => marksPath(marks, layout, colour));
  const scaleBar = micronsPerUnit === undefined ? null : barOf(layout.scale / micronsPerUnit, layout.width);
  const legendTop = Math.ceil(TOP + layout.height + 6);
  const bar = scaleBar === null ? '' : barMarkup(scaleBar, width, legendTop, colours.ink);
  const body = [
    `<text x="4" y="15" font-size="13" font-weight="600" fill="${colours.ink}">${escapeText(labelText(title, simulated ? 36 : 50))}</text>`,
    `<rect x="${left - 1}" y="${TOP - 1}" width="${px(layout.width + 2)}" height="${px(layout.height + 2)}" fill="none" stroke="${colours.line}"/>`,
    `<g transform="translate(${left} ${TOP})" fill="none">${paths.join('')}</g>`,
    `<g transform="translate(0 ${legendTop})">${legend.markup}</g>`,
    bar,
  ].join('');
  const text = `Map of ${formatCount(instances)} instances. ${description}.`;
  const height = legendTop + Math.max(legend.height, scaleBar === null ? 0 : 30);
  const svg = svgFigure({ width, height, title, description: text, body }, options);
  return { svg, isMerged: layout.isMerged, marks: layout.marks.length };
}

/** One path for all marks of a colour, drawn as strokes: 20,000 elements would be slow, 30 are not. */
export function marksPath(marks: readonly Mark[], { shape, size }: MapLayout, colour: string): string {
  if (shape === 'disc') {
    const path = marks.map(({ x, y }) => `M${px(x)} ${px(y)}h0`).join('');
    return `<path d="${path}" stroke="${colour}" stroke-width="${px(size)}" stroke-linecap="round"/>`;
  }
  const path = marks.map(({ x, y }) => `M${px(x - size / 2)} ${px(y)}h${px(size)}`).join('');
  return `<path d="${path}" stroke="${colour}" stroke-width="${px(size)}" shape-rendering="crispEdges"/>`;
}

function highest(instances: readonly number[], values: Numbers): number {
  return instances.reduce((most, i) => {
    const value = values[i] as number;
    return Number.isFinite(value) && !(most >= value) ? value : most;
  }, NaN);
}

function topGroup(instances: readonly number[], labels: ArrayLike<number | null>) {
  const groups = new Set(instances.map((i) => labelGroup(labels[i])));
  return [...LABEL_GROUPS].reverse().find((group) => groups.has(group));
}

function scoreLegend(name: string, options: MapOptions): { markup: string; height: number } {
  const colours = theme(options.theme);
  const [left, length] = [4, 132];
  const cells = Array.from({ length: 33 }, (_, i) => {
    const x = left + (i * length) / 33;
    return `<rect x="${px(x)}" y="4" width="${px(length / 33 + 0.4)}" height="9" fill="${scaleColour(i / 32)}"/>`;
  });
  const ticks = [0, 50, 100].map((tick) => {
    const anchor = tick === 0 ? 'start' : tick === 100 ? 'end' : 'middle';
    return `<text x="${px(left + (tick / 100) * length)}" y="25" font-size="10" text-anchor="${anchor}" fill="${colours.muted}">${tick}</text>`;
  });
  const text = `<text x="${left}" y="40" font-size="11" fill="${colours.ink}">${escapeText(`percentile of ${name} in this bag`)}</text>`;
  return { markup: [...cells, ...ticks, text].join(''), height: 46 };
}

/** The longest of 1, 2, 5 × 10^k micrometres that takes at most a third of the map. */
function barOf(pixelsPerMicron: number, width: number): { pixels: number; text: string } | null {
  const most = width / 3 / pixelsPerMicron;
  if (!Number.isFinite(most) || most <= 0) return null;
  const power = 10 ** Math.floor(Math.log10(most));
  const microns = ([5, 2, 1].find((factor) => factor * power <= most) ?? 1) * power;
  return {
    pixels: microns * pixelsPerMicron,
    text: microns >= 1000 ? `${microns / 1000} mm` : `${Number(microns.toPrecision(1))} µm`,
  };
}

function barMarkup(
  { pixels, text }: { pixels: number; text: string },
  width: number,
  top: number,
  ink: string,
): string {
  const right = width - 6;
  return `<path d="M${px(right - pixels)} ${top + 8}h${px(pixels)}" stroke="${ink}" stroke-width="3"/><text x="${right}" y="${top + 24}" font-size="11" text-anchor="end" fill="${ink}">${text}</text>`;
}
