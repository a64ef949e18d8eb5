import { checkCount, checkScoreMatrix, type Numbers } from './check.js';

/** Share of cases whose label is among the k largest of their scores [n, classes]; of equal scores the higher class counts as larger (scikit-learn). */
export function topKAccuracy(labels: Numbers, scores: Numbers, { classes, k }: { classes: number; k: number }): number {
  checkScoreMatrix(labels, scores, classes);
  checkCount(k, 'k');
  let hits = 0;
  for (let row = 0; row < labels.length; row++) {
    const label = labels[row] as number;
    const own = scores[row * classes + label] as number;
    let larger = 0;
    for (let c = 0; c < classes; c++) {
      const score = scores[row * classes + c] as number;
      if (score > own || (score === own && c > label)) larger++;
    }
    if (larger < k) hits++;
  }
  return hits / labels.length;
}
