import { checkPerTime, checkTimes, type Numbers } from './check.js';
import { CensoringDistribution } from './censoring-distribution.js';
import { UndefinedMetricError } from './errors.js';
import { kaplanMeier, survivalAt } from './kaplan-meier.js';
import { ascending } from './ranks.js';
import { checkOutcome, type SurvivalOutcome } from './survival-outcome.js';

export interface TimeDependentAuc {
  /** AUC at each time. */
  auc: Float64Array;
  /** Their mean, weighted by the drop of the cases' Kaplan–Meier curve up to each time. */
  mean: number;
}

const METRIC = 'time-dependent AUC';

/**
 * Cumulative/dynamic AUC (Uno et al. 2007; Hung and Chiang 2010; mean: Lambert and Chevret 2016), by the rules of
 * scikit-survival: at time t, how well the risk separates those with an event by t, weighted by 1/G, from those observed beyond t.
 * @param training the cohort that the censoring distribution G is estimated on
 * @param risk [n], or [n, times] row by row where it depends on the time; higher = earlier event
 * @param times ascending, within the cases' observed times
 * @throws UndefinedMetricError at a time by which no case has an event or beyond which none is observed, and where G is unknown
 */
export function cumulativeDynamicAuc(
  training: SurvivalOutcome,
  outcome: SurvivalOutcome,
  risk: Numbers,
  times: Numbers,
  { tiedTolerance = 1e-8 }: { tiedTolerance?: number } = {},
): TimeDependentAuc {
  checkOutcome(outcome);
  checkTimes(times);
  const n = outcome.time.length;
  checkPerTime(risk, 'risk', n, times.length, true);
  const censoring = new CensoringDistribution(training);
  const auc = Float64Array.from(times, (time, at) => {
    const ofTime =
      risk.length === n ? risk : Float64Array.from({ length: n }, (_, i) => risk[i * times.length + at] as number);
    return aucAt(time, outcome, ofTime, censoring, tiedTolerance);
  });
  return { auc, mean: times.length === 1 ? (auc[0] as number) : meanByDrop(auc, times, outcome) };
}

function aucAt(
  now: number,
  { time, event }: SurvivalOutcome,
  risk: Numbers,
  censoring: CensoringDistribution,
  tiedTolerance: number,
): number {
  const order = ascending(risk).reverse();
  let [cases, controls, area] = [0, 0, 0];
  for (let start = 0; start < order.length;) {
    // Cases of one risk make one step of the ROC curve, equality taken from neighbour to neighbour.
    let [end, newCases, newControls] = [start, 0, 0];
    do {
      const row = order[end] as number;
      if ((time[row] as number) > now) newControls++;
      else if (event[row] === 1) newCases += censoring.weightAt(time[row] as number, METRIC);
      end++;
    } while (end < order.length && gap(risk, order, end) <= tiedTolerance);
    area += newControls * (cases + newCases / 2);
    cases += newCases;
    controls += newControls;
    start = end;
  }
  if (cases === 0) throw new UndefinedMetricError(METRIC, `no case has an event by ${now}`);
  if (controls === 0) throw new UndefinedMetricError(METRIC, `no case is observed beyond ${now}`);
  return area / (cases * controls);
}

function gap(risk: Numbers, order: Int32Array, at: number): number {
  return (risk[order[at - 1] as number] as number) - (risk[order[at] as number] as number);
}

function meanByDrop(auc: Float64Array, times: Numbers, outcome: SurvivalOutcome): number {
  const curve = kaplanMeier(outcome);
  let [before, sum] = [1, 0];
  for (let i = 0; i < auc.length; i++) {
    const alive = survivalAt(curve, times[i] as number);
    sum += (auc[i] as number) * (before - alive);
    before = alive;
  }
  return sum / (1 - before);
}
