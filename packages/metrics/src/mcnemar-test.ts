import { checkClasses, checkSameLength, type Numbers } from './check.js';

export interface McNemarResult {
  /** Cases that A has right and B wrong. */
  onlyA: number;
  /** Cases that B has right and A wrong. */
  onlyB: number;
  /** Exact two-sided binomial p; 1 where the two never differ in being right. */
  p: number;
}

/** Exact McNemar test of two models' decisions on the same cases (McNemar 1947). */
export function mcnemarTest(labels: Numbers, predictionsA: Numbers, predictionsB: Numbers): McNemarResult {
  checkClasses(labels, 'labels');
  for (const [path, predictions] of Object.entries({ predictionsA, predictionsB })) {
    checkSameLength(predictions, path, labels.length, 'labels');
    checkClasses(predictions, path);
  }
  let [onlyA, onlyB] = [0, 0];
  for (let i = 0; i < labels.length; i++) {
    const [a, b] = [predictionsA[i] === labels[i], predictionsB[i] === labels[i]];
    if (a && !b) onlyA++;
    if (b && !a) onlyB++;
  }
  return { onlyA, onlyB, p: Math.min(1, 2 * fairCoinAtMost(Math.min(onlyA, onlyB), onlyA + onlyB)) };
}

/** P(at most k heads in n tosses), term by term in logarithms so that large n do not overflow. */
function fairCoinAtMost(k: number, n: number): number {
  let logTerm = -n * Math.LN2;
  let total = Math.exp(logTerm);
  for (let i = 1; i <= k; i++) {
    logTerm += Math.log((n - i + 1) / i);
    total += Math.exp(logTerm);
  }
  return total;
}
