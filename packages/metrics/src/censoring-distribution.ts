import { UndefinedMetricError } from './errors.js';
import { checkOutcome, lastAtOrBelow, riskTable, type SurvivalOutcome } from './survival-outcome.js';

/**
 * G(t) = P(not yet censored at t), the Kaplan–Meier estimate with censoring for an event; at equal times events come first.
 * What inverse-probability-of-censoring weights are made of (Uno et al. 2007), by the rules of scikit-survival.
 */
export class CensoringDistribution {
  private readonly times: Float64Array;
  private readonly free: Float64Array;

  /** @param training the cohort that G is estimated on */
  constructor(training: SurvivalOutcome) {
    checkOutcome(training, 'training ');
    const { times, atRisk, events, censored } = riskTable(training);
    let share = 1;
    this.times = times;
    this.free = Float64Array.from(censored, (lost, i) => {
      if (lost > 0) share *= 1 - lost / ((atRisk[i] as number) - (events[i] as number));
      return share;
    });
  }

  /** @throws UndefinedMetricError for `metric`, beyond the last training time unless all were censored by then */
  at(time: number, metric: string): number {
    const last = this.times.length - 1;
    const free = this.free[lastAtOrBelow(this.times, time)] ?? 1;
    if (time <= (this.times[last] as number) || free === 0) return free;
    const reason = `the training cases are observed until ${this.times[last]}, a weight is needed at ${time}`;
    throw new UndefinedMetricError(metric, reason, { hint: 'Evaluate up to a time that the training cases reach.' });
  }

  /** 1/G(t). @throws UndefinedMetricError also where G is 0 */
  weightAt(time: number, metric: string): number {
    const free = this.at(time, metric);
    if (free > 0) return 1 / free;
    throw new UndefinedMetricError(metric, `no training case is observed uncensored at ${time}`, {
      hint: 'Evaluate up to an earlier time.',
    });
  }
}

/**
 * Inverse probability of censoring of each case: 1/G(time) for events, 0 for censored cases.
 * @param training the cohort that the censoring distribution is estimated on
 * @throws UndefinedMetricError for an event at a time that the training cases do not reach
 */
export function censoringWeights(training: SurvivalOutcome, outcome: SurvivalOutcome): Float64Array {
  checkOutcome(outcome);
  const distribution = new CensoringDistribution(training);
  return Float64Array.from(outcome.time, (time, i) =>
    outcome.event[i] === 1 ? distribution.weightAt(time, 'weight of censoring') : 0,
  );
}
