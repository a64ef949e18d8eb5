import { axis, chartFigure, heading, legend } from './chart.js';
import { foldSummary } from './fold-summary.js';
import type { Sweep } from './report-data.js';
import type { FigureOptions } from './svg.js';
import { formatValue, isNumber, labelText, valueOf } from './text.js';
import { seriesColour, theme } from './theme.js';

/** A metric over the values of an option: mean and ± of each, what is published (`reference`) dashed beside it. */
export function sweepFigure({ title, option, metric, lines }: Sweep, options: FigureOptions = {}): string {
  const colours = theme(options.theme);
  const places = [...new Set(lines.flatMap(({ points }) => points.map(({ at }) => String(at))))];
  const published = lines.some(({ points }) => points.some(({ reference }) => isNumber(reference)));
  const entries = lines.flatMap(({ name }, i) => [
    { series: `line-${i}`, label: name },
    ...(published ? [{ series: `reference-${i}`, label: `${name}, published` }] : []),
  ]);
  const foot = legend(entries, { columns: 2, look: 'lines' }, options);
  const summaries = lines.map(({ points }) => points.map(({ values }) => foldSummary(values)));

  return chartFigure(
    {
      height: 250 + foot.height,
      title: `${metric} over ${option}`,
      description: lines
        .map(({ name, points }, i) => {
          const each = points.map(({ at }, j) => `${at}: ${formatValue(valueOf(summaries[i]?.[j]?.mean))}`);
          return `${name}: ${each.join(', ')}.`;
        })
        .join(' '),
      option: {
        title: heading(title, options),
        legend: foot.component,
        grid: { left: 54, right: 16, top: 30, bottom: 44 + foot.height },
        xAxis: {
          type: 'category',
          data: places.map((place) => labelText(place, 12)),
          ...axis({ name: option }, options),
        },
        yAxis: { type: 'value', scale: true, ...axis({ name: metric, gap: 38 }, options) },
        series: lines.flatMap(({ points }, i) => {
          const colour = seriesColour(colours, i);
          const at = (j: number) => places.indexOf(String(points[j]?.at));
          const means = points.map((_, j) => [at(j), valueOf(summaries[i]?.[j]?.mean) ?? '-']);
          return [
            {
              type: 'line',
              name: `line-${i}`,
              data: means,
              color: colour,
              symbol: 'circle',
              symbolSize: 7,
              itemStyle: { color: colour },
              lineStyle: { color: colour, width: 2 },
            },
            ...(published
              ? [
                  {
                    type: 'line',
                    name: `reference-${i}`,
                    data: points.map(({ reference }, j) => [at(j), isNumber(reference) ? reference : '-']),
                    color: colour,
                    symbol: 'diamond',
                    symbolSize: 7,
                    itemStyle: { color: colour, opacity: 0.6 },
                    lineStyle: { color: colour, width: 1.4, type: 'dashed', opacity: 0.6 },
                  },
                ]
              : []),
            ...points.flatMap((_, j) => {
              const interval = summaries[i]?.[j]?.interval;
              if (!interval) return [];
              const ends = [
                [at(j), interval.lower],
                [at(j), interval.upper],
              ];
              const lineStyle = { color: colour, width: 2, opacity: 0.45, cap: 'round' };
              return [{ type: 'line', name: `spread-${i}-${j}`, data: ends, showSymbol: false, lineStyle }];
            }),
          ];
        }),
      },
    },
    options,
  );
}
