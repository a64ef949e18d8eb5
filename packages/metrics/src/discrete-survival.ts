import { checkCount, checkMatrix, type Numbers } from './check.js';

/**
 * Survival by time bin from the logits of hazards, S_j = Π_{i≤j} (1 − σ(logit_i)): [n, bins] → [n, bins], row by row. The
 * tensors' `survival` of `@mhim/survival-losses` in double precision.
 */
export function survivalCurves(logits: Numbers, bins: number): Float64Array {
  checkCount(bins, 'bins');
  checkMatrix(logits, bins, 'logits');
  let alive = 1;
  return Float64Array.from(logits, (logit, i) => {
    if (i % bins === 0) alive = 1;
    alive /= 1 + Math.exp(logit);
    return alive;
  });
}

/** Risk −Σ_j S_j of each row, what the C-index ranks by: logits [n, bins] → [n]. */
export function survivalRisks(logits: Numbers, bins: number): Float64Array {
  const curves = survivalCurves(logits, bins);
  return Float64Array.from({ length: curves.length / bins }, (_, row) =>
    curves.subarray(row * bins, (row + 1) * bins).reduce((risk, alive) => risk - alive, 0),
  );
}
