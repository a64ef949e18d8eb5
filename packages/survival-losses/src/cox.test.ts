import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import * as tf from '@tensorflow/tfjs';
import { checkGradients, Rng } from '@mhim/tensor';
import { expectAllClose, tensorsLeftBy, useNativeForTests } from '../../tensor/src/test-helpers.js';
import { coxLoss, coxPartialLikelihood, type CoxTies } from './cox.js';
import { coxRegression } from './cox-regression.js';

const n = 40;
const rng = new Rng(5);
const uniform = () => rng.integer(1, 9999) / 10_000;
const risks = Array.from({ length: n }, () => 3 * uniform() - 1);
const times = Array.from({ length: n }, () => Math.ceil(8 * uniform()));
const events = Array.from({ length: n }, () => Number(uniform() < 0.6));

/** The definition, term by term. */
function written(theta: readonly number[], ties: CoxTies): number {
  const power = (rows: number[]) => rows.reduce((sum, row) => sum + Math.exp(theta[row] as number), 0);
  const rows = theta.map((_, row) => row);
  return [...new Set(times)].reduce((total, time) => {
    const atRisk = rows.filter((row) => (times[row] as number) >= time);
    const deaths = rows.filter((row) => times[row] === time && events[row] === 1);
    const terms = deaths.map((row, k) => {
      const gone = ties === 'efron' ? (k / deaths.length) * power(deaths) : 0;
      return Math.log(power(atRisk) - gone) - (theta[row] as number);
    });
    return total + terms.reduce((a, b) => a + b, 0);
  }, 0);
}

describe('Cox partial likelihood', () => {
  beforeAll(useNativeForTests);

  it.each<CoxTies>(['efron', 'breslow'])('is the definition, and its gradient the slope: %s', (ties) => {
    const { loss, gradient, events: count } = coxPartialLikelihood(risks, times, events, { ties });
    expect(loss).toBeCloseTo(written(risks, ties), 10);
    expect(count).toBe(events.reduce((a, b) => a + b, 0));
    gradient.forEach((slope, i) => {
      const moved = (by: number) =>
        written(
          risks.map((risk, row) => (row === i ? risk + by : risk)),
          ties,
        );
      expect(slope).toBeCloseTo((moved(1e-5) - moved(-1e-5)) / 2e-5, 6);
    });
  });

  it('ties matter only where there are some', () => {
    const apart = times.map((time, row) => time + row / 1000);
    const [efron, breslow] = (['efron', 'breslow'] as const).map((ties) =>
      coxPartialLikelihood(risks, apart, events, { ties }),
    );
    expect(efron?.loss).toBe(breslow?.loss);
    expect(coxPartialLikelihood(risks, times, events).loss).toBeLessThan(
      coxPartialLikelihood(risks, times, events, { ties: 'breslow' }).loss,
    );
  });

  it('shifts of all risks change nothing, and no spread of them overflows', () => {
    const spread = risks.map((risk) => 900 * risk);
    const { loss, gradient } = coxPartialLikelihood(spread, times, events);
    expect(Number.isFinite(loss) && gradient.every(Number.isFinite)).toBe(true);
    const shifted = coxPartialLikelihood(
      risks.map((risk) => risk + 5000),
      times,
      events,
    );
    expect(shifted.loss).toBeCloseTo(written(risks, 'efron'), 8);
    expect(gradient.reduce((a, b) => a + b, 0)).toBeCloseTo(0, 8);
    // The longest observed is alone in its risk set, however small its risk.
    expect(coxPartialLikelihood([2000, -2000], [1, 2], [1, 1]).loss).toBe(0);
  });

  it('is a loss with a gradient for every bag', () => {
    const input = tf.tensor2d(risks, [n, 1]);
    const worst = checkGradients((x) => coxLoss(x as tf.Tensor2D, times, events), [input]);
    expect(worst.error, JSON.stringify(worst)).toBeLessThan(2e-3);
    const sum = written(risks, 'efron');
    const deaths = events.reduce((a, b) => a + b, 0);
    expectAllClose(coxLoss(input, times, events), [sum / n]);
    expectAllClose(coxLoss(input, times, events, { per: 'event' }), [sum / deaths]);
    expectAllClose(coxLoss(tf.tensor1d(risks), times, events, { per: 'sum' }), [sum]);
    const { grad } = tf.valueAndGrad((x) => tf.mul(2, coxLoss(x as tf.Tensor2D, times, events, { per: 'sum' })))(input);
    expect(grad.shape).toEqual([n, 1]);
    expectAllClose(
      grad,
      coxPartialLikelihood(risks, times, events).gradient.map((slope) => 2 * slope),
    );
    expect(tensorsLeftBy(() => tf.tidy(() => void coxLoss(input, times, events)))).toBe(0);
  });

  it('says what is wrong with a cohort', () => {
    expect(() => coxPartialLikelihood([1, 2], [1, 2], [0, 0])).toThrow(/events: all 2 subjects are censored/);
    expect(() => coxPartialLikelihood([1, NaN], [1, 2], [1, 0])).toThrow(/risks: entry 1 is NaN/);
    expect(() => coxPartialLikelihood([1, 2], [1], [1, 0])).toThrow(/times: expected 2 values/);
    expect(() => coxPartialLikelihood([1, 2], [1, 2], [1, 2])).toThrow(/events: expected 0 or 1, entry 1 is 2/);
  });
});

describe('coxRegression', () => {
  it('ends where the likelihood is flat, whatever the units', () => {
    const x = Array.from({ length: 2 * n }, () => uniform());
    const fit = coxRegression(x, times, events);
    const theta = Array.from(times, (_, i) =>
      fit.coefficients.reduce((sum, c, a) => sum + c * (x[2 * i + a] as number), 0),
    );
    const { loss, gradient } = coxPartialLikelihood(theta, times, events);
    expect(fit.logLikelihood).toBeCloseTo(-loss, 10);
    for (const a of [0, 1]) {
      expect(gradient.reduce((sum, slope, i) => sum + slope * (x[2 * i + a] as number), 0)).toBeCloseTo(0, 8);
    }
    const rescaled = coxRegression(
      x.map((value, i) => (i % 2 ? 1e6 + value : 1000 * value)),
      times,
      events,
    );
    expect(rescaled.coefficients[0]).toBeCloseTo((fit.coefficients[0] as number) / 1000, 10);
    expect(rescaled.standardErrors[1]).toBeCloseTo(fit.standardErrors[1] as number, 6);
  });

  it('says which covariate has no coefficient', () => {
    expect(() => coxRegression([1, 1, 1], [1, 2, 3], [1, 1, 0])).toThrow(/covariate 0 is constant/);
    const doubled = [1, 2, 0, 0, 3, 6, -1, -2, 2, 4];
    expect(() => coxRegression(doubled, [1, 2, 3, 4, 5], [1, 1, 0, 1, 1])).toThrow(/covariate 1 is .* a combination/);
    expect(() => coxRegression([4, 3, 2, 1], [1, 2, 3, 4], [1, 1, 1, 1])).toThrow(/Cox regression/);
    const infinite = /covariate that separates early from late events has an infinite coefficient/;
    const ones = [1, 1, 1, 1, 1, 1];
    expect(() => coxRegression([1, 1, 1, 0, 0, 0], [1, 2, 3, 4, 5, 6], ones)).toThrow(infinite);
    // One covariate separates, the other has a coefficient.
    const two = [1, 0.3, 1, -0.2, 1, 0.4, 0, 0.1, 0, -0.3, 0, 0.2];
    expect(() => coxRegression(two, [1, 2, 3, 4, 5, 6], ones)).toThrow(infinite);
    const first = Array.from({ length: 2000 }, (_, i) => Number(i === 0));
    const counted = first.map((_, i) => i + 1);
    const all = first.map(() => 1);
    expect(() => coxRegression(first, counted, all)).toThrow(infinite);
    expect(() => coxRegression([4, 3, 2], [1, 2], [1, 1])).toThrow(/rows of covariates for 2 cases, got 3/);
  });
});

const shared = join(import.meta.dirname, '../../../../shared/data/survival-tables');

describe.runIf(existsSync(shared))('published tables', () => {
  it.each(['rossi', 'whas500'])('%s: coefficients of scikit-survival', (name) => {
    const oracle = JSON.parse(readFileSync(join(shared, 'oracle.json'), 'utf8')).sets[name];
    const rows = readFileSync(join(shared, `${name}.csv`), 'utf8')
      .trim()
      .split('\n')
      .slice(1);
    const cells = rows.map((row) => row.split(',').map(Number));
    const covariates = cells.flatMap((row) => row.slice(2));
    const column = (at: number) => cells.map((row) => row[at] as number);
    for (const ties of ['efron', 'breslow'] as const) {
      const { coefficients } = coxRegression(covariates, column(0), column(1), { ties });
      expectAllClose(coefficients, oracle[`cox_${ties}`].coef, { atol: 1e-8, rtol: 1e-5 });
    }
  });
});
