import { axis, chartFigure, heading, legend } from './chart.js';
import { groupColour, groupCounts, labelGroup, LABEL_GROUPS } from './instance-labels.js';
import { labelsOf, type ScoredInstances } from './score-histogram.js';
import type { FigureOptions } from './svg.js';
import { formatCount, isNumber } from './text.js';
import { theme, type Theme } from './theme.js';
import { thinned } from './thin.js';

/**
 * The instances from the highest score to the lowest: bars in the colour of the known label; above 150 instances a line with a strip below
 * it that shows at which ranks the known positives are.
 * @throws FigureError `data` for scores and labels of different lengths
 */
export function scoreRanking(instances: ScoredInstances, options: FigureOptions = {}): string {
  const { scores, scoreName = 'score', title, classes } = instances;
  const labels = labelsOf(instances);
  const isKnown = instances.labels !== undefined;
  const colours = theme(options.theme);
  const ranked: Ranked[] = Array.from(scores, (score, i) => ({ score, group: labelGroup(labels[i]) }))
    .filter(({ score }) => isNumber(score))
    .sort((a, b) => b.score - a.score);
  const groups = groupCounts(labels, classes);
  const entries = groups.map(({ group, text, count }) => ({
    series: group,
    label: isKnown ? text : `all instances, labels not known (${formatCount(count)})`,
  }));
  const foot = legend(entries, { look: 'areas' }, options);
  const colour = (group: Ranked['group']) => (isKnown ? groupColour(group, colours) : (colours.series[0] as string));
  const isBars = ranked.length <= MOST_BARS;

  return chartFigure(
    {
      height: (isBars || !isKnown ? 220 : 250) + foot.height,
      title: `Instances ranked by ${scoreName}: ${title}`,
      description: `${formatCount(ranked.length)} instances from the highest score to the lowest. ${entries.map(({ label }) => label).join(', ')}.`,
      option: {
        title: heading(title, options),
        legend: foot.component,
        ...(isBars
          ? bars(ranked, colour, foot.height, scoreName, options)
          : strip(ranked, colour, { isKnown, bottom: foot.height, scoreName, colours }, options)),
      },
    },
    options,
  );
}

interface Ranked {
  score: number;
  group: ReturnType<typeof labelGroup>;
}

type Colour = (group: Ranked['group']) => string;

const MOST_BARS = 150;
const STRIP_COLUMNS = 160;

function bars(ranked: readonly Ranked[], colour: Colour, bottom: number, scoreName: string, options: FigureOptions) {
  return {
    grid: { left: 52, right: 14, top: 30, bottom: 44 + bottom },
    xAxis: {
      type: 'category',
      data: ranked.map((_, i) => String(i + 1)),
      ...axis({ name: 'rank of the instance' }, options),
      splitLine: { show: false },
    },
    yAxis: { type: 'value', splitNumber: 4, ...axis({ name: scoreName, gap: 38 }, options) },
    series: LABEL_GROUPS.map((group) => ({
      type: 'bar',
      name: group,
      stack: 'instances',
      barCategoryGap: ranked.length > 60 ? '0%' : '20%',
      color: colour(group),
      itemStyle: { color: colour(group) },
      data: ranked.map((instance) => (instance.group === group ? instance.score : '-')),
    })),
  };
}

interface StripLook {
  isKnown: boolean;
  bottom: number;
  scoreName: string;
  colours: Theme;
}

function strip(
  ranked: readonly Ranked[],
  colour: Colour,
  { isKnown, bottom, scoreName, colours }: StripLook,
  options: FigureOptions,
) {
  const line = thinned(
    ranked.map(({ score }, i): [number, number] => [i + 1, score]),
    400,
  ).kept;
  const rank = { type: 'value', min: 1, max: ranked.length, ...axis({}, options), splitLine: { show: false } };
  const lineColour = isKnown ? colours.ink : colour('unknown');
  const bands = isKnown
    ? [
        {
          left: 52,
          right: 14,
          height: 18,
          bottom: 42 + bottom,
          show: true,
          backgroundColor: colour('negative'),
          borderWidth: 0,
        },
      ]
    : [];
  const upper = { left: 52, right: 14, top: 30, bottom: (isKnown ? 70 : 44) + bottom };
  const name = axis({ name: 'rank of the instance' }, options);
  return {
    grid: [upper, ...bands],
    xAxis: [
      isKnown ? { ...rank, axisLabel: { show: false } } : { ...rank, ...name, splitLine: { show: false } },
      ...bands.map(() => ({ ...rank, ...name, gridIndex: 1, splitLine: { show: false } })),
    ],
    yAxis: [
      { type: 'value', splitNumber: 4, ...axis({ name: scoreName, gap: 38 }, options) },
      ...bands.map(() => ({ type: 'value', gridIndex: 1, min: 0, max: 1, show: false })),
    ],
    series: [
      {
        type: 'line',
        name: isKnown ? 'scores' : 'unknown',
        data: line,
        showSymbol: false,
        symbol: 'roundRect',
        color: lineColour,
        lineStyle: { color: lineColour, width: 1.6 },
        areaStyle: { color: lineColour, opacity: 0.1 },
      },
      ...(isKnown ? stripSeries(ranked, colour) : []),
    ],
  };
}

/** On a band in the colour of negatives: a column of ranks is the more opaque the more of it are positive, one positive is visible. */
function stripSeries(ranked: readonly Ranked[], colour: Colour) {
  const columns = Array.from({ length: STRIP_COLUMNS }, (_, c) =>
    ranked.slice(
      Math.floor((c * ranked.length) / STRIP_COLUMNS),
      Math.floor(((c + 1) * ranked.length) / STRIP_COLUMNS),
    ),
  );
  return LABEL_GROUPS.map((group) => ({
    type: 'scatter',
    name: group,
    xAxisIndex: 1,
    yAxisIndex: 1,
    symbol: 'rect',
    symbolSize: [2.2, 18],
    color: colour(group),
    itemStyle: { opacity: 1 },
    clip: false,
    data: columns.flatMap((column, c) => {
      const share = column.filter((instance) => instance.group === group).length / Math.max(column.length, 1);
      if (share === 0 || group === 'negative') return [];
      const opacity = group === 'positive' ? Math.max(Math.sqrt(share), 0.5) : share;
      return [
        {
          value: [1 + ((c + 0.5) / STRIP_COLUMNS) * (ranked.length - 1), 0.5],
          itemStyle: { color: colour(group), opacity },
        },
      ];
    }),
  }));
}
