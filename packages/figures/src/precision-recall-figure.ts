import { checkPrecisionRecallCurves } from './check-report-data.js';
import { foldCurvesFigure, type CurvePoint } from './fold-curves-figure.js';
import { areaOfFolds } from './fold-summary.js';
import type { PrecisionRecallCurves, PrecisionRecallPoints } from './report-data.js';
import type { FigureOptions } from './svg.js';
import { formatValue, valueOf } from './text.js';

/**
 * Precision over recall of a model: a thin line of steps a fold, a thick one for their mean, the share of positive bags dashed (what
 * chance gives), average precision in the legend.
 * @throws FigureError `data` for lists of different lengths or values outside [0, 1]
 */
export function precisionRecallFigure(curves: PrecisionRecallCurves, options: FigureOptions = {}): string {
  checkPrecisionRecallCurves(curves, 'precisionRecall');
  const { folds, model, positiveClass, prevalence } = curves;
  const overall = `mean of ${areaOfFolds(
    folds.map(({ averagePrecision }) => averagePrecision),
    'average precision',
  )}`;
  const labels = folds.map(({ averagePrecision }, i) => `fold ${i + 1}: ${formatValue(valueOf(averagePrecision))}`);
  return foldCurvesFigure(
    {
      heading: model,
      title: `Precision and recall of ${model}`,
      description: `${overall}. ${labels.join(', ')}. Positive class: ${positiveClass}.`,
      xName: 'recall',
      yName: 'precision',
      folds: folds.map((fold, i) => ({ points: steps(fold), label: labels[i] as string })),
      all: { points: meanPoints(folds), label: overall },
      chance: [
        [0, prevalence],
        [1, prevalence],
      ],
    },
    options,
  );
}

/** Precision holds from its recall down to the next lower one: average precision is the area under these steps. */
function steps({ recall, precision }: PrecisionRecallPoints): CurvePoint[] {
  return Array.from(recall, (x, i) => ({ x, y: precision[i] as number, next: recall[i + 1] })).flatMap(
    ({ x, y, next }): CurvePoint[] => [[x, y], ...(next === undefined ? [] : [[next, y] as CurvePoint])],
  );
}

/** Mean precision of the folds at 101 recalls. */
function meanPoints(folds: readonly PrecisionRecallPoints[]): CurvePoint[] {
  const defined = folds.filter(({ recall }) => recall.length > 0);
  if (defined.length === 0) return [];
  return Array.from({ length: 101 }, (_, i): CurvePoint => {
    const x = i / 100;
    return [x, defined.reduce((sum, curve) => sum + precisionAt(curve, x), 0) / defined.length];
  });
}

/** Precision at the lowest recall that is at least x; recall falls along the curve. */
function precisionAt({ recall, precision }: PrecisionRecallPoints, x: number): number {
  let i = recall.length - 1;
  while (i > 0 && (recall[i] as number) < x) i--;
  return precision[i] as number;
}
