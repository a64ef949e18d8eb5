import { axis, chartFigure, heading, legend } from './chart.js';
import { foldSummary } from './fold-summary.js';
import type { FoldValues } from './report-data.js';
import type { FigureOptions } from './svg.js';
import { formatValue, isNumber, labelText, valueOf } from './text.js';
import { seriesColour, theme } from './theme.js';

export interface Comparison {
  /** The metric. */
  title: string;
  /** `reference`: a published value, drawn beside ours. */
  rows: readonly { label: string; values: FoldValues; colour?: number; reference?: number }[];
}

/** A metric of several models: mean as a dot, its interval (given, or ± standard deviation) as a line, the folds as small dots. */
export function comparisonFigure({ title, rows }: Comparison, options: FigureOptions = {}): string {
  const colours = theme(options.theme);
  const summaries = rows.map(({ values }) => foldSummary(values));
  const references = rows.flatMap(({ reference }, i) => (isNumber(reference) ? [{ i, reference }] : []));
  const foot = legend(
    [
      { series: 'folds', label: 'a fold' },
      { series: 'means', label: 'mean and interval' },
      ...(references.length > 0 ? [{ series: 'published', label: 'published' }] : []),
    ],
    { columns: references.length > 0 ? 3 : 2, look: 'marks' },
    options,
  );
  const ink = (i: number) => seriesColour(colours, rows[i]?.colour ?? i);
  const y = (i: number) => rows.length - 1 - i;

  return chartFigure(
    {
      height: 64 + foot.height + rows.length * 38,
      title: `${title} of the models`,
      description: rows
        .map(({ label }, i) => {
          const { mean, interval } = summaries[i] as (typeof summaries)[number];
          const range = interval === null ? '' : ` (${formatValue(interval.lower)} to ${formatValue(interval.upper)})`;
          return `${label}: ${formatValue(valueOf(mean))}${range}.`;
        })
        .join(' '),
      option: {
        title: heading(title, options),
        legend: foot.component,
        grid: { left: 14, right: 18, top: 30, bottom: 28 + foot.height },
        xAxis: { type: 'value', scale: true, ...axis({}, options), ...limits(rows) },
        yAxis: { type: 'value', min: -0.6, max: rows.length - 0.4, show: false },
        series: [
          ...rows.map(({ label }, i) => ({
            type: 'scatter',
            name: `label-${i}`,
            symbolSize: 0,
            data: [[limits(rows).min, y(i) + 0.33]],
            clip: false,
            label: {
              show: true,
              position: 'right',
              distance: 0,
              formatter: () => labelText(label, 54),
              color: colours.ink,
              fontSize: 11,
            },
          })),
          ...summaries.flatMap(({ interval }, i) => (interval === null ? [] : [intervalLine(interval, y(i), ink(i))])),
          {
            type: 'scatter',
            name: 'folds',
            symbolSize: 5,
            color: colours.muted,
            itemStyle: { color: colours.muted, opacity: 0.75 },
            data: rows.flatMap(({ values }, i) =>
              values.folds.flatMap((fold) => (valueOf(fold) === null ? [] : [[valueOf(fold), y(i) - 0.14]])),
            ),
          },
          {
            type: 'scatter',
            name: 'means',
            symbolSize: 10,
            color: colours.ink,
            itemStyle: { color: colours.ink },
            z: 4,
            data: summaries.flatMap(({ mean }, i) =>
              valueOf(mean) === null ? [] : [{ value: [valueOf(mean), y(i) - 0.14], itemStyle: { color: ink(i) } }],
            ),
          },
          {
            type: 'scatter',
            name: 'published',
            symbol: 'diamond',
            symbolSize: 11,
            color: colours.muted,
            z: 5,
            data: references.map(({ i, reference }) => ({
              value: [reference, y(i) - 0.14],
              itemStyle: { color: colours.surface, borderColor: ink(i), borderWidth: 2 },
            })),
          },
        ],
      },
    },
    options,
  );
}

function intervalLine({ lower, upper }: { lower: number; upper: number }, y: number, colour: string) {
  return {
    type: 'line',
    name: `interval-${y}`,
    data: [
      [lower, y - 0.14],
      [upper, y - 0.14],
    ],
    showSymbol: false,
    clip: false,
    lineStyle: { color: colour, width: 3, opacity: 0.55, cap: 'round' },
    z: 3,
  };
}

/** From a tenth below the lowest to a tenth above the highest mark; metrics from 0 to 1 end at 1. */
function limits(rows: Comparison['rows']): { min: number; max: number } {
  const values = rows.flatMap(({ values: measured, reference }) => {
    const { interval, mean } = foldSummary(measured);
    return [...measured.folds.map(valueOf), valueOf(mean), interval?.lower, interval?.upper, reference].filter(
      isNumber,
    );
  });
  const shown = rows.flatMap(({ values: measured }) => measured.folds.map(valueOf).filter(isNumber));
  if (values.length === 0) return { min: 0, max: 1 };
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const isShare = shown.every((value) => value >= 0 && value <= 1);
  return {
    min: isShare ? Math.max(Math.floor((least - 0.02) * 10) / 10, 0) : least - (most - least || 1) * 0.1,
    max: isShare ? Math.max(1, Math.ceil(most * 50) / 50) : most + (most - least || 1) * 0.1,
  };
}
