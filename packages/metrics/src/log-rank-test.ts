import { checkFinite, checkSameLength, type Numbers } from './check.js';
import { chiSquaredP } from './chi-squared.js';
import { MetricError, UndefinedMetricError } from './errors.js';
import { ascending } from './ranks.js';
import { checkOutcome, type SurvivalOutcome } from './survival-outcome.js';

export interface LogRankOptions {
  /** What an event time counts: `equal` (default) is the log-rank test, `at-risk` the Gehan–Wilcoxon test, which looks at early times. */
  weights?: 'equal' | 'at-risk';
}

export interface LogRankResult {
  /** Approximately chi-squared with {@link LogRankResult.degrees} where all groups survive alike. */
  statistic: number;
  /** Groups − 1. */
  degrees: number;
  p: number;
  /** The groups in ascending order; the two arrays follow it. */
  groups: number[];
  /** Events of each group, weighted, and those expected if all groups survived alike. */
  observed: Float64Array;
  expected: Float64Array;
}

/**
 * Log-rank test of equal survival in two or more groups (Mantel 1966; Peto and Peto 1972), ties by the hypergeometric variance.
 * @param groups group of each case, any numbers
 * @throws UndefinedMetricError for one group, no event, or a group that is never at risk when an event happens
 */
export function logRankTest(
  outcome: SurvivalOutcome,
  groups: Numbers,
  { weights = 'equal' }: LogRankOptions = {},
): LogRankResult {
  checkOutcome(outcome);
  checkSameLength(groups, 'groups', outcome.time.length, 'times');
  checkFinite(groups, 'groups');
  if (weights !== 'equal' && weights !== 'at-risk') {
    throw new MetricError(`expected 'equal' or 'at-risk', got ${String(weights)}.`, {
      code: 'config',
      path: 'weights',
    });
  }
  const names = [...new Set(Array.from(groups))].sort((a, b) => a - b);
  if (names.length < 2) throw undefinedTest(`all cases are of group ${names[0]}`);
  const of = Int32Array.from(groups, (name) => names.indexOf(name));
  const { observed, expected, covariance } = countEvents(outcome, of, names.length, weights);
  const degrees = names.length - 1;
  const excess = Array.from({ length: degrees }, (_, g) => (observed[g] as number) - (expected[g] as number));
  const statistic = quadraticForm(covariance, excess);
  return { statistic, degrees, p: chiSquaredP(statistic, degrees), groups: names, observed, expected };
}

function countEvents(
  { time, event }: SurvivalOutcome,
  of: Int32Array,
  groups: number,
  weights: LogRankOptions['weights'],
) {
  const observed = new Float64Array(groups);
  const expected = new Float64Array(groups);
  const covariance = Array.from({ length: groups - 1 }, () => new Float64Array(groups - 1));
  const atRisk = new Float64Array(groups);
  for (const group of of) atRisk[group] = (atRisk[group] as number) + 1;
  let n = of.length;
  const order = ascending(time);
  for (let start = 0; start < order.length;) {
    const now = time[order[start] as number];
    const leaving = new Float64Array(groups);
    let [end, d] = [start, 0];
    const weight = weights === 'equal' ? 1 : n;
    for (; end < order.length && time[order[end] as number] === now; end++) {
      const row = order[end] as number;
      const group = of[row] as number;
      leaving[group] = (leaving[group] as number) + 1;
      if (event[row] !== 1) continue;
      observed[group] = (observed[group] as number) + weight;
      d++;
    }
    const share = Float64Array.from(atRisk, (count) => count / n);
    // Of one case at risk nothing is random.
    const variance = n > 1 ? (weight * weight * d * (n - d)) / (n - 1) : 0;
    for (let g = 0; g < groups; g++) expected[g] = (expected[g] as number) + weight * d * (share[g] as number);
    covariance.forEach((row, a) => {
      for (let b = 0; b < row.length; b++) {
        const same = a === b ? 1 : 0;
        row[b] = (row[b] as number) + variance * (share[a] as number) * (same - (share[b] as number));
      }
    });
    for (let g = 0; g < groups; g++) atRisk[g] = (atRisk[g] as number) - (leaving[g] as number);
    n -= end - start;
    start = end;
  }
  if (observed.every((count) => count === 0)) throw undefinedTest('no case has an event');
  return { observed, expected, covariance };
}

/** xᵀ·V⁻¹·x through the Cholesky factor of V. */
function quadraticForm(matrix: Float64Array[], x: number[]): number {
  const factor: number[][] = [];
  const solved: number[] = [];
  for (const [i, row] of matrix.entries()) {
    const line: number[] = [];
    for (let j = 0; j <= i; j++) {
      const other = j === i ? line : (factor[j] as number[]);
      let rest = row[j] as number;
      for (let k = 0; k < j; k++) rest -= (line[k] as number) * (other[k] as number);
      if (j < i) line.push(rest / (other[j] as number));
      else if (rest > 1e-12 * (row[i] as number)) line.push(Math.sqrt(rest));
      else throw undefinedTest('a group is never at risk with another when an event happens');
    }
    factor.push(line);
    const known = solved.reduce((sum, value, k) => sum + value * (line[k] as number), 0);
    solved.push(((x[i] as number) - known) / (line[i] as number));
  }
  return solved.reduce((sum, value) => sum + value * value, 0);
}

function undefinedTest(reason: string): UndefinedMetricError {
  return new UndefinedMetricError('log-rank test', reason);
}
