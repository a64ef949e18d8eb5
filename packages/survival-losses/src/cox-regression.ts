import { MhimError } from '@mhim/tensor';
import { checkSubjects, timeGroups, type CoxTies, type TimeGroup } from './cox.js';

export interface CoxRegressionOptions {
  /** Default `efron`. */
  ties?: CoxTies;
  /** Newton steps at most. Default 50. */
  iterations?: number;
}

export interface CoxRegression {
  /** One a covariate; the log of its hazard ratio. */
  coefficients: Float64Array;
  /** From the inverse of the observed information. */
  standardErrors: Float64Array;
  /** Log partial likelihood at the optimum. */
  logLikelihood: number;
}

/**
 * Linear Cox regression by Newton's method (Cox 1972): the classical yardstick beside a network, and what its risks can be adjusted
 * by clinical covariates with. A case's log-risk is Σ coefficient · covariate.
 * @param covariates [n, covariates] row by row
 * @param times one a case, any unit
 * @param events 1 = the event was seen, 0 = censored
 * @throws MhimError `data` for lists that do not fit, no event, a covariate that is constant or a combination of others, or
 * covariates that separate early from late events, so that the likelihood has no maximum
 */
export function coxRegression(
  covariates: ArrayLike<number>,
  times: ArrayLike<number>,
  events: ArrayLike<number>,
  { ties = 'efron', iterations = 50 }: CoxRegressionOptions = {},
): CoxRegression {
  const n = times.length;
  const p = covariates.length / n;
  if (!Number.isInteger(p) || p < 1) {
    throw regressionError(`expected rows of covariates for ${n} cases, got ${covariates.length} values.`);
  }
  checkSubjects(times, times, events, 'times');
  const { x, scales } = standardised(covariates, n, p);
  const groups = timeGroups(times, events);
  let coefficients = new Float64Array(p);
  let at = likelihood(x, coefficients, groups, ties);
  for (let i = 0; i < iterations; i++) {
    const step = solve(at.information, at.gradient, i === 0 ? combined : separating);
    const gain = step.reduce((sum, value, a) => sum + value * (at.gradient[a] as number), 0);
    // Where covariates separate, the likelihood flattens out while every step goes on by as much as the one before.
    const still = step.every((value, a) => Math.abs(value) < 1e-6 * (1 + Math.abs(coefficients[a] as number)));
    if (still && gain < 1e-16 * (1 + Math.abs(at.value))) {
      const variances = at.information.map((_, a) => solve(at.information, unit(p, a), combined)[a] as number);
      return {
        coefficients: coefficients.map((value, a) => value / (scales[a] as number)),
        standardErrors: Float64Array.from(variances, (variance, a) => Math.sqrt(variance) / (scales[a] as number)),
        logLikelihood: at.value,
      };
    }
    // A full step may overshoot far from the optimum; rounding alone must not keep it from being taken near it.
    for (let size = 1; ; size /= 2) {
      const next = coefficients.map((value, a) => value + size * (step[a] as number));
      const there = likelihood(x, next, groups, ties);
      if (there.value >= at.value - 1e-12 * Math.abs(at.value) || size < 1e-6) {
        [coefficients, at] = [next, there];
        break;
      }
    }
  }
  throw regressionError(`no maximum within ${iterations} Newton steps.`, SEPARATION);
}

const SEPARATION = 'A covariate that separates early from late events has an infinite coefficient; leave it out.';

function combined(covariate: number): MhimError {
  const what = `covariate ${covariate} is constant, or a combination of others, in the risk sets of the events.`;
  return regressionError(what, 'Leave it out.');
}

/** The information was regular at the start and vanished on the way. */
function separating(covariate: number): MhimError {
  return regressionError(`no maximum: the likelihood goes on rising in covariate ${covariate}.`, SEPARATION);
}

interface Likelihood {
  value: number;
  /** [p] */
  gradient: Float64Array;
  /** −(second derivatives), [p][p] */
  information: Float64Array[];
}

/** Sums over risk sets of weights w = exp(x·β), of w·x and of w·x·xᵀ. */
class Moments {
  weight = 0;
  readonly first: Float64Array;
  readonly second: Float64Array[];

  constructor(p: number) {
    this.first = new Float64Array(p);
    this.second = Array.from({ length: p }, () => new Float64Array(p));
  }

  add(weight: number, x: Float64Array): void {
    this.weight += weight;
    x.forEach((value, a) => {
      this.first[a] = (this.first[a] as number) + weight * value;
      const row = this.second[a] as Float64Array;
      for (let b = 0; b < x.length; b++) row[b] = (row[b] as number) + weight * value * (x[b] as number);
    });
  }
}

function likelihood(
  x: readonly Float64Array[],
  coefficients: Float64Array,
  groups: readonly TimeGroup[],
  ties: CoxTies,
): Likelihood {
  const p = coefficients.length;
  const risks = x.map((row) => row.reduce((sum, value, a) => sum + value * (coefficients[a] as number), 0));
  const top = risks.reduce((a, b) => Math.max(a, b), -Infinity);
  const result: Likelihood = {
    value: 0,
    gradient: new Float64Array(p),
    information: Array.from({ length: p }, () => new Float64Array(p)),
  };
  const risk = new Moments(p);
  for (const { all, deaths } of groups) {
    const dying = new Moments(p);
    const add = (moments: Moments, row: number) =>
      moments.add(Math.exp((risks[row] as number) - top), x[row] as Float64Array);
    for (const row of all) add(risk, row);
    for (const row of deaths.length > 1 ? deaths : []) add(dying, row);
    for (const [k, row] of deaths.entries()) {
      const gone = ties === 'efron' ? k / deaths.length : 0;
      const left = risk.weight - gone * dying.weight;
      const mean = risk.first.map((sum, a) => (sum - gone * (dying.first[a] as number)) / left);
      result.value += (risks[row] as number) - top - Math.log(left);
      for (let a = 0; a < p; a++) {
        result.gradient[a] = (result.gradient[a] as number) + (x[row]?.[a] as number) - (mean[a] as number);
        const [line, all2, dying2] = [result.information[a], risk.second[a], dying.second[a]] as [
          Float64Array,
          Float64Array,
          Float64Array,
        ];
        for (let b = 0; b < p; b++) {
          const square = ((all2[b] as number) - gone * (dying2[b] as number)) / left;
          line[b] = (line[b] as number) + square - (mean[a] as number) * (mean[b] as number);
        }
      }
    }
  }
  return result;
}

/** Covariates of mean 0 and variance 1, so that Newton's equations are well conditioned whatever the units. */
function standardised(
  covariates: ArrayLike<number>,
  n: number,
  p: number,
): { x: Float64Array[]; scales: Float64Array } {
  const bad = Array.from(covariates).findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) throw regressionError(`row ${Math.floor(bad / p)} has the value ${covariates[bad]}.`);
  const x = Array.from({ length: n }, (_, row) =>
    Float64Array.from({ length: p }, (_, a) => covariates[row * p + a] as number),
  );
  const scales = Float64Array.from({ length: p }, (_, a) => {
    const mean = x.reduce((sum, row) => sum + (row[a] as number), 0) / n;
    for (const row of x) row[a] = (row[a] as number) - mean;
    const scale = Math.sqrt(x.reduce((sum, row) => sum + (row[a] as number) ** 2, 0) / n);
    if (!(scale > 1e-12 * Math.abs(mean))) throw regressionError(`covariate ${a} is constant.`, 'Leave it out.');
    for (const row of x) row[a] = (row[a] as number) / scale;
    return scale;
  });
  return { x, scales };
}

/** Solves a symmetric positive definite system by Cholesky. @throws what `singular` makes of the first row that depends on others */
function solve(
  matrix: readonly Float64Array[],
  right: Float64Array,
  singular: (row: number) => MhimError,
): Float64Array {
  const factor = matrix.map((row) => Float64Array.from(row));
  const p = right.length;
  const at = (a: number, b: number) => factor[a]?.[b] as number;
  for (let a = 0; a < p; a++) {
    for (let b = 0; b <= a; b++) {
      let rest = matrix[a]?.[b] as number;
      for (let k = 0; k < b; k++) rest -= at(a, k) * at(b, k);
      if (a === b && !(rest > 1e-11 * (matrix[a]?.[a] as number))) throw singular(a);
      (factor[a] as Float64Array)[b] = a === b ? Math.sqrt(rest) : rest / at(b, b);
    }
  }
  const solution = Float64Array.from(right);
  for (let a = 0; a < p; a++) {
    for (let k = 0; k < a; k++) solution[a] = (solution[a] as number) - at(a, k) * (solution[k] as number);
    solution[a] = (solution[a] as number) / at(a, a);
  }
  for (let a = p - 1; a >= 0; a--) {
    for (let k = a + 1; k < p; k++) solution[a] = (solution[a] as number) - at(k, a) * (solution[k] as number);
    solution[a] = (solution[a] as number) / at(a, a);
  }
  return solution;
}

function unit(p: number, at: number): Float64Array {
  const vector = new Float64Array(p);
  vector[at] = 1;
  return vector;
}

function regressionError(what: string, hint?: string): MhimError {
  return new MhimError(what, { code: 'data', path: 'Cox regression', hint });
}
