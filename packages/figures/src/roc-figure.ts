import { checkRocCurves } from './check-report-data.js';
import { foldCurvesFigure, type CurvePoint } from './fold-curves-figure.js';
import { areaOfFolds } from './fold-summary.js';
import type { RocCurves, RocPoints } from './report-data.js';
import type { FigureOptions } from './svg.js';
import { formatValue, valueOf } from './text.js';

/**
 * ROC curves of a model: a thin line a fold, a thick one for all folds (pooled, or the vertical mean), the diagonal of chance, AUC in the
 * legend. A fold whose curve is undefined has a legend entry with `–` and no line.
 * @throws FigureError `data` for lists of rates of different lengths or outside [0, 1]
 */
export function rocFigure(curves: RocCurves, options: FigureOptions = {}): string {
  checkRocCurves(curves, 'roc');
  const { folds, pooled, model, positiveClass } = curves;
  const overall =
    pooled === undefined
      ? `mean of ${areaOfFolds(
          folds.map(({ auc }) => auc),
          'AUC',
        )}`
      : `all folds pooled, AUC ${formatValue(valueOf(pooled.auc))}`;
  const labels = folds.map(({ auc }, i) => `fold ${i + 1}: ${formatValue(valueOf(auc))}`);
  return foldCurvesFigure(
    {
      heading: model,
      title: `ROC curves of ${model}`,
      description: `${overall}. ${labels.join(', ')}. Positive class: ${positiveClass}.`,
      xName: 'false positive rate',
      yName: 'true positive rate',
      folds: folds.map((fold, i) => ({ points: points(fold), label: labels[i] as string })),
      all: { points: pooled === undefined ? meanPoints(folds) : points(pooled), label: overall },
      chance: [
        [0, 0],
        [1, 1],
      ],
    },
    options,
  );
}

function points({ fpr, tpr }: RocPoints): CurvePoint[] {
  return Array.from(fpr, (x, i): CurvePoint => [x, tpr[i] as number]);
}

/** Mean true positive rate of the folds at 101 false positive rates; a curve's highest value counts where it is vertical. */
function meanPoints(folds: readonly RocPoints[]): CurvePoint[] {
  const defined = folds.filter(({ fpr }) => fpr.length > 0);
  if (defined.length === 0) return [];
  const grid = Array.from({ length: 101 }, (_, i): CurvePoint => {
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
