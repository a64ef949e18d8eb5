import { checkFinite, checkSameLength, type Numbers } from './check.js';
import { CensoringDistribution } from './censoring-distribution.js';
import { UndefinedMetricError } from './errors.js';
import { ascending } from './ranks.js';
import { checkOutcome, type SurvivalOutcome } from './survival-outcome.js';

export interface Concordance {
  cIndex: number;
  /** Comparable pairs in which the case with the earlier event has the higher risk, the lower, and the same. */
  concordant: number;
  discordant: number;
  tiedRisk: number;
  /** Comparable pairs of the same time: an event and a case censored then. They are in the three counts above too. */
  tiedTime: number;
}

export interface UnoOptions {
  /** Only events before this time count; default all. */
  tau?: number;
  /** See {@link concordance}. */
  tiedTolerance?: number;
}

/** Harrell's C-index, see {@link concordance}. */
export function cIndex(outcome: SurvivalOutcome, risk: Numbers, options?: { tiedTolerance?: number }): number {
  return concordance(outcome, risk, options).cIndex;
}

/**
 * Harrell's C-index (Harrell et al. 1982), by the rules of scikit-survival, which the official code uses: an event is comparable with every
 * case of a later time and with cases censored at the same time; of two events at the same time neither is earlier.
 * @param risk higher = earlier event
 * @param tiedTolerance risks at most this far apart are equal and count half
 * @throws UndefinedMetricError where no two cases are comparable
 */
export function concordance(
  outcome: SurvivalOutcome,
  risk: Numbers,
  { tiedTolerance = 1e-8 }: { tiedTolerance?: number } = {},
): Concordance {
  return comparePairs('C-index', outcome, risk, tiedTolerance, () => 1);
}

/** Uno's C-index, see {@link unoConcordance}. */
export function unoCIndex(
  training: SurvivalOutcome,
  outcome: SurvivalOutcome,
  risk: Numbers,
  options?: UnoOptions,
): number {
  return unoConcordance(training, outcome, risk, options).cIndex;
}

/**
 * Uno's C-index (Uno et al. 2011): as Harrell's, but a pair weighs 1/G(t)² at its event's time t, so that the value does not
 * depend on how much is censored. The counts are of unweighted pairs, those after `tau` too, as scikit-survival gives them.
 * @param training the cohort that the censoring distribution G is estimated on
 * @param risk higher = earlier event
 * @throws UndefinedMetricError where no two cases are comparable, or an event lies where the training cases do not reach
 */
export function unoConcordance(
  training: SurvivalOutcome,
  outcome: SurvivalOutcome,
  risk: Numbers,
  { tau = Infinity, tiedTolerance = 1e-8 }: UnoOptions = {},
): Concordance {
  const name = "Uno's C-index";
  const censoring = new CensoringDistribution(training);
  return comparePairs(name, outcome, risk, tiedTolerance, (time) =>
    time < tau ? censoring.weightAt(time, name) ** 2 : 0,
  );
}

/** @param weight what a pair counts by the time of its event */
function comparePairs(
  metric: string,
  outcome: SurvivalOutcome,
  risk: Numbers,
  tiedTolerance: number,
  weight: (time: number) => number,
): Concordance {
  checkOutcome(outcome);
  const { time, event } = outcome;
  checkSameLength(risk, 'risk', time.length, 'times');
  checkFinite(risk, 'risk');
  let [concordant, discordant, tiedRisk, tiedTime, right, all] = [0, 0, 0, 0, 0, 0];
  const order = ascending(time);
  for (let start = 0; start < order.length;) {
    let end = start + 1;
    while (end < order.length && time[order[end] as number] === time[order[start] as number]) end++;
    const now = order.subarray(start, end);
    const events = now.filter((row) => event[row] === 1);
    const comparable = events.length === 0 ? [] : [...now.filter((row) => event[row] !== 1), ...order.subarray(end)];
    const w = comparable.length === 0 ? 0 : weight(time[order[start] as number] as number);
    for (const early of events) {
      let [higher, same] = [0, 0];
      for (const late of comparable) {
        const difference = (risk[early] as number) - (risk[late] as number);
        if (Math.abs(difference) <= tiedTolerance) same++;
        else if (difference > 0) higher++;
      }
      concordant += higher;
      tiedRisk += same;
      discordant += comparable.length - higher - same;
      right += w * (higher + same / 2);
      all += w * comparable.length;
    }
    tiedTime += events.length * (now.length - events.length);
    start = end;
  }
  if (!(all > 0)) throw noPair(metric, outcome, concordant + discordant + tiedRisk);
  return { cIndex: right / all, concordant, discordant, tiedRisk, tiedTime };
}

function noPair(metric: string, { time, event }: SurvivalOutcome, pairs: number): UndefinedMetricError {
  if (pairs > 0) return new UndefinedMetricError(metric, 'no event lies before tau');
  if (!Array.from(event).includes(1)) {
    return new UndefinedMetricError(metric, `none of the ${time.length} cases has an event`, { absentClass: 1 });
  }
  return new UndefinedMetricError(metric, 'no case is observed beyond an event');
}
