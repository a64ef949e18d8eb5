import { axis, chartFigure, figureWidth, heading, legend, type LegendEntry } from './chart.js';
import type { FigureOptions } from './svg.js';
import { seriesColour, theme } from './theme.js';
import { thinned } from './thin.js';

export type CurvePoint = [x: number, y: number];

/** Curves in the unit square: a thin line a fold, a thick one for all of them, a dashed one of what chance gives. */
export interface FoldCurves {
  heading: string;
  /** Title and description for who cannot see it. */
  title: string;
  description: string;
  xName: string;
  yName: string;
  folds: readonly { points: readonly CurvePoint[]; label: string }[];
  all: { points: readonly CurvePoint[]; label: string };
  chance: readonly CurvePoint[];
}

export function foldCurvesFigure(curves: FoldCurves, options: FigureOptions): string {
  const colours = theme(options.theme);
  const perFold: LegendEntry[] = curves.folds
    .slice(0, MOST_LEGEND_FOLDS)
    .map(({ label }, i) => ({ series: `fold-${i}`, label }));
  const foldLegend = legend(perFold, { columns: 3, look: 'lines' }, options);
  const allLegend = legend([{ series: 'all', label: curves.all.label }], { look: 'lines' }, options);
  const below = foldLegend.height + allLegend.height;

  return chartFigure(
    {
      height: figureWidth(options) + below - 10,
      title: curves.title,
      description: curves.description,
      option: {
        title: heading(curves.heading, options),
        legend: [{ ...allLegend.component, bottom: foldLegend.height + 2 }, { ...foldLegend.component }],
        grid: { left: 48, right: 12, top: 30, bottom: 44 + below },
        xAxis: { type: 'value', min: 0, max: 1, ...axis({ name: curves.xName }, options) },
        yAxis: { type: 'value', min: 0, max: 1, ...axis({ name: curves.yName, gap: 32 }, options) },
        series: [
          {
            ...LINE,
            name: 'chance',
            data: curves.chance,
            lineStyle: { color: colours.muted, width: 1, type: 'dashed' },
          },
          ...curves.folds.map(({ points }, i) => ({
            ...LINE,
            name: `fold-${i}`,
            data: thinned(points, MOST_POINTS).kept,
            color: seriesColour(colours, i),
            lineStyle: { color: seriesColour(colours, i), width: 1.2, opacity: 0.75 },
          })),
          {
            ...LINE,
            name: 'all',
            data: thinned(curves.all.points, MOST_POINTS).kept,
            color: colours.ink,
            lineStyle: { color: colours.ink, width: 2.6 },
          },
        ],
      },
    },
    options,
  );
}

const LINE = { type: 'line', showSymbol: false, symbol: 'none', clip: false };
const MOST_LEGEND_FOLDS = 12;
const MOST_POINTS = 400;
