import { axis, chartFigure, figureWidth, heading, legend, type LegendEntry } from './chart.js';
import { checkRocCurves } from './check-report-data.js';
import { foldSummary } from './fold-summary.js';
import type { RocCurves, RocPoints } from './report-data.js';
import type { FigureOptions } from './svg.js';
import { formatValue, valueOf } from './text.js';
import { seriesColour, theme } from './theme.js';
import { thinned } from './thin.js';

/**
 * ROC curves of a model: a thin line a fold, a thick one for all folds (pooled, or the vertical mean), the diagonal of chance, AUC in the
 * legend. A fold whose curve is undefined has a legend entry with `–` and no line.
 * @throws FigureError `data` for lists of rates of different lengths or outside [0, 1]
 */
export function rocFigure(curves: RocCurves, options: FigureOptions = {}): string {
  checkRocCurves(curves, 'roc');
  const colours = theme(options.theme);
  const { folds, pooled } = curves;
  const overall = pooled === undefined ? meanPoints(folds) : points(pooled);
  const overallLabel = labelOfAll(curves);
  const lines = folds.map((fold, i) => ({ name: `fold-${i}`, data: points(fold), colour: seriesColour(colours, i) }));
  const shown = folds.slice(0, MOST_LEGEND_FOLDS);
  const perFold: LegendEntry[] = shown.map(({ auc }, i) => ({
    series: `fold-${i}`,
    label: `fold ${i + 1}: ${formatValue(valueOf(auc))}`,
  }));
  const foldLegend = legend(perFold, { columns: 3, look: 'lines' }, options);
  const allLegend = legend([{ series: 'all', label: overallLabel }], { look: 'lines' }, options);
  const height = figureWidth(options) + foldLegend.height + allLegend.height - 10;

  return chartFigure(
    {
      height,
      title: `ROC curves of ${curves.model}`,
      description: `${overallLabel}. ${perFold.map(({ label }) => label).join(', ')}. Positive class: ${curves.positiveClass}.`,
      option: {
        title: heading(curves.model, options),
        legend: [{ ...allLegend.component, bottom: foldLegend.height + 2 }, { ...foldLegend.component }],
        grid: { left: 48, right: 12, top: 30, bottom: 44 + foldLegend.height + allLegend.height },
        xAxis: { type: 'value', min: 0, max: 1, ...axis({ name: 'false positive rate' }, options) },
        yAxis: { type: 'value', min: 0, max: 1, ...axis({ name: 'true positive rate', gap: 32 }, options) },
        series: [
          {
            ...LINE,
            name: 'chance',
            data: [
              [0, 0],
              [1, 1],
            ],
            lineStyle: { color: colours.muted, width: 1, type: 'dashed' },
          },
          ...lines.map(({ name, data, colour }) => ({
            ...LINE,
            name,
            data,
            color: colour,
            lineStyle: { color: colour, width: 1.2, opacity: 0.75 },
          })),
          { ...LINE, name: 'all', data: overall, color: colours.ink, lineStyle: { color: colours.ink, width: 2.6 } },
        ],
      },
    },
    options,
  );
}

const LINE = { type: 'line', showSymbol: false, symbol: 'none', clip: false };
const MOST_LEGEND_FOLDS = 12;
const MOST_POINTS = 400;

function labelOfAll({ folds, pooled }: RocCurves): string {
  if (pooled !== undefined) return `all folds pooled, AUC ${formatValue(valueOf(pooled.auc))}`;
  const { mean, std, count, total } = foldSummary({ folds: folds.map(({ auc }) => auc) });
  if (valueOf(mean) === null) return 'mean of the folds, AUC –';
  const of = count === total ? `${total} folds` : `${count} of ${total} folds`;
  return `mean of ${of}, AUC ${formatValue(valueOf(mean))} ± ${formatValue(valueOf(std))}`;
}

function points({ fpr, tpr }: RocPoints): [number, number][] {
  const all = Array.from(fpr, (x, i): [number, number] => [x, tpr[i] as number]);
  return thinned(all, MOST_POINTS).kept;
}

/** Mean true positive rate of the folds at 101 false positive rates; a curve's highest value counts where it is vertical. */
function meanPoints(folds: readonly RocPoints[]): [number, number][] {
  const defined = folds.filter(({ fpr }) => fpr.length > 0);
  if (defined.length === 0) return [];
  const grid = Array.from({ length: 101 }, (_, i): [number, number] => {
    const x = i / 100;
    return [x, defined.reduce((sum, curve) => sum + rateAt(curve, x), 0) / defined.length];
  });
  return [[0, 0], ...grid];
}

function rateAt({ fpr, tpr }: RocPoints, x: number): number {
  let right = 0;
  while (right < fpr.length && (fpr[right] as number) <= x) right++;
  const left = Math.max(right - 1, 0);
  if (right >= fpr.length) return tpr[left] as number;
  const [x0, x1] = [fpr[left] as number, fpr[right] as number];
  const [y0, y1] = [tpr[left] as number, tpr[right] as number];
  return x1 === x0 ? y1 : y0 + ((y1 - y0) * (x - x0)) / (x1 - x0);
}
