import { axis, chartFigure, heading, legend } from './chart.js';
import { checkLength } from './check-report-data.js';
import { groupColour, groupCounts, labelGroup, type InstanceClasses } from './instance-labels.js';
import type { Numbers } from './report-data.js';
import type { FigureOptions } from './svg.js';
import { formatCount, isNumber, labelText } from './text.js';
import { theme } from './theme.js';

export interface ScoredInstances {
  /** Heading. */
  title: string;
  /** [n] */
  scores: Numbers;
  /** Default `score`. */
  scoreName?: string;
  /** [n] 1 = positive, 0 = negative, −1 or null = unknown; left out where nothing is known. */
  labels?: ArrayLike<number | null>;
  classes?: InstanceClasses;
}

/**
 * Distribution of the scores, for each known label by itself: the share of that label's instances in each bin, so that few positives among
 * many negatives can be seen; unlabelled instances are left out where others have labels. The axis is logarithmic where all scores are positive and spread over more than two decades.
 * @throws FigureError `data` for scores and labels of different lengths
 */
export function scoreHistogram(instances: ScoredInstances, options: FigureOptions = {}): string {
  const { scores, scoreName = 'score', title, classes } = instances;
  const labels = labelsOf(instances);
  const colours = theme(options.theme);
  const edges = binEdges(Array.from(scores).filter(isNumber));
  const counts = groupCounts(labels, classes);
  const known = counts.filter(({ group }) => group !== 'unknown');
  const groups = known.length > 0 ? known : counts;
  const isKnown = instances.labels !== undefined;
  const entries = groups.map(({ group, text, count }) => ({
    series: group,
    label: isKnown ? text : `all instances, labels not known (${formatCount(count)})`,
  }));
  const foot = legend(entries, { look: 'areas' }, options);

  return chartFigure(
    {
      height: 220 + foot.height,
      title: `Distribution of ${scoreName}: ${title}`,
      description: `Histogram of ${formatCount(scores.length)} scores. ${entries.map(({ label }) => label).join(', ')}.`,
      option: {
        title: heading(title, options),
        legend: foot.component,
        grid: { left: 50, right: 16, top: 30, bottom: 44 + foot.height },
        xAxis: {
          type: edges.isLog ? 'log' : 'value',
          min: edges.values[0],
          max: edges.values.at(-1),
          ...axis({ name: edges.isLog ? `${scoreName} (log scale)` : scoreName }, options),
          splitLine: { show: false },
          ...(edges.isLog
            ? { axisLabel: { ...axis({}, options).axisLabel, formatter: (value: number) => value.toExponential(0) } }
            : {}),
        },
        yAxis: {
          type: 'value',
          min: 0,
          splitNumber: 4,
          ...axis({ name: 'share of instances', gap: 34 }, options),
          axisLabel: { ...axis({}, options).axisLabel, formatter: (value: number) => `${Math.round(value * 100)}%` },
        },
        series: groups.map(({ group }) => {
          const colour = isKnown ? groupColour(group, colours) : (colours.series[0] as string);
          const shares = binShares(scores, labels, group, edges.values);
          return {
            type: 'line',
            name: group,
            step: 'end',
            showSymbol: false,
            symbol: 'roundRect',
            color: colour,
            itemStyle: { color: colour, opacity: 1 },
            lineStyle: { color: colour, width: 1.6 },
            areaStyle: { color: colour, opacity: 0.28 },
            data: [...edges.values.map((edge, i) => [edge, shares[i] ?? shares.at(-1) ?? 0])],
          };
        }),
      },
    },
    options,
  );
}

/** The labels, or all unknown. @throws FigureError `data` when there are not as many as scores */
export function labelsOf({ scores, labels }: ScoredInstances): ArrayLike<number | null> {
  checkLength(scores, 'scores');
  if (labels === undefined) return Array.from({ length: scores.length }, () => null);
  checkLength(labels, 'labels', scores.length, 'instances');
  return labels;
}

const BINS = 30;

function binEdges(values: readonly number[]): { values: number[]; isLog: boolean } {
  let [from, to] = [Infinity, -Infinity];
  for (const value of values) {
    from = Math.min(from, value);
    to = Math.max(to, value);
  }
  if (values.length === 0) [from, to] = [0, 1];
  if (from === to) [from, to] = [from - 0.5, to + 0.5];
  const isLog = from > 0 && to / from > 100;
  const [low, high] = isLog ? [Math.log10(from), Math.log10(to)] : [from, to];
  const at = (i: number) => (i === BINS ? high : low + ((high - low) * i) / BINS);
  return { values: Array.from({ length: BINS + 1 }, (_, i) => (isLog ? 10 ** at(i) : at(i))), isLog };
}

function binShares(
  scores: Numbers,
  labels: ArrayLike<number | null>,
  group: ReturnType<typeof labelGroup>,
  edges: readonly number[],
): number[] {
  const counts = new Array<number>(BINS).fill(0);
  let total = 0;
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i] as number;
    if (labelGroup(labels[i]) !== group || !Number.isFinite(score)) continue;
    let bin = 0;
    while (bin < BINS - 1 && score >= (edges[bin + 1] as number)) bin++;
    counts[bin] = (counts[bin] as number) + 1;
    total++;
  }
  return counts.map((count) => (total === 0 ? 0 : count / total));
}

/** Text for a screen reader and a caption about scores that could not be placed. */
export function leftOutText(scores: Numbers): string {
  const missing = Array.from(scores).filter((score) => !isNumber(score)).length;
  return missing === 0 ? '' : labelText(`${formatCount(missing)} instances without a finite score are left out.`, 80);
}
