import { twoSidedP } from './normal-distribution.js';

/**
 * P(X ≥ x) of a chi-squared X, to a relative error of about 1e−13 however small it is: for whole degrees of freedom the
 * incomplete gamma function is a finite sum of positive terms (Abramowitz and Stegun 26.4.4 and 26.4.5).
 * @param degrees an integer of at least 1
 */
export function chiSquaredP(x: number, degrees: number): number {
  if (!(x > 0)) return 1;
  const half = x / 2;
  const odd = degrees % 2 === 1;
  let total = odd ? twoSidedP(Math.sqrt(x)) : Math.exp(-half);
  let term = odd ? Math.exp(-half) / Math.sqrt(Math.PI * half) : total;
  // Each term is the one before times (x/2)/k, k in steps of 1 up to degrees/2 − 1.
  for (let k = odd ? 0.5 : 1; k <= degrees / 2 - 1; k++) {
    term *= half / k;
    total += term;
  }
  return total;
}
