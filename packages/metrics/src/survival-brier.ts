import { checkPerTime, checkProbabilities, checkTimes, type Numbers } from './check.js';
import { CensoringDistribution } from './censoring-distribution.js';
import { MetricError, UndefinedMetricError } from './errors.js';
import { trapezoidArea } from './roc-curve.js';
import { checkOutcome, type SurvivalOutcome } from './survival-outcome.js';

const METRIC = 'survival Brier score';

/**
 * Brier score of predicted survival at given times (Graf et al. 1999): mean squared difference from 1 where the case is observed
 * beyond t and 0 where it had its event, weighted by the inverse probability of censoring. By the rules of scikit-survival: a
 * case censored before t counts 0, and so does one at whose time G is 0.
 * @param training the cohort that the censoring distribution G is estimated on
 * @param survival predicted P(survival beyond each time), [n, times] row by row
 * @param times ascending
 * @returns a score for each time
 * @throws UndefinedMetricError at a time beyond which no case is observed, and where G is unknown
 */
export function survivalBrierScores(
  training: SurvivalOutcome,
  outcome: SurvivalOutcome,
  survival: Numbers,
  times: Numbers,
): Float64Array {
  checkOutcome(outcome);
  checkTimes(times);
  const { time, event } = outcome;
  const n = time.length;
  checkPerTime(survival, 'survival', n, times.length);
  checkProbabilities(survival, 'survival');
  const censoring = new CensoringDistribution(training);
  const inverse = (free: number) => (free === 0 ? 0 : 1 / free);
  return Float64Array.from(times, (now, at) => {
    const nowWeight = inverse(censoring.at(now, METRIC));
    let [sum, controls] = [0, 0];
    for (let i = 0; i < n; i++) {
      const predicted = survival[i * times.length + at] as number;
      if ((time[i] as number) > now) {
        sum += (1 - predicted) ** 2 * nowWeight;
        controls++;
      } else if (event[i] === 1) {
        sum += predicted ** 2 * inverse(censoring.at(time[i] as number, METRIC));
      }
    }
    if (controls === 0) throw new UndefinedMetricError(METRIC, `no case is observed beyond ${now}`);
    return sum / n;
  });
}

/** Mean of {@link survivalBrierScores} over the span of the times, by trapezoids. @throws MetricError `config` for fewer than two times */
export function integratedBrierScore(
  training: SurvivalOutcome,
  outcome: SurvivalOutcome,
  survival: Numbers,
  times: Numbers,
): number {
  if (times.length < 2) {
    throw new MetricError(`expected at least two times, got ${times.length}.`, { code: 'config', path: 'times' });
  }
  const scores = survivalBrierScores(training, outcome, survival, times);
  return trapezoidArea(times, scores) / ((times[times.length - 1] as number) - (times[0] as number));
}
