import { checkClasses, checkFinite, checkNotEmpty, checkSameLength, type Numbers } from './check.js';
import { UndefinedMetricError } from './errors.js';
import { ascending } from './ranks.js';

/** Survival of a cohort, a value for each case. */
export interface SurvivalOutcome {
  /** Time to the event or to the end of observation, any unit. */
  time: Numbers;
  /** 1 = the event was observed, 0 = censored. */
  event: Numbers;
}

export interface Concordance {
  cIndex: number;
  /** Comparable pairs in which the case with the earlier event has the higher risk, the lower, and the same. */
  concordant: number;
  discordant: number;
  tiedRisk: number;
  /** Comparable pairs of the same time: an event and a case censored then. They are in the three counts above too. */
  tiedTime: number;
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
  { time, event }: SurvivalOutcome,
  risk: Numbers,
  { tiedTolerance = 1e-8 }: { tiedTolerance?: number } = {},
): Concordance {
  checkOutcome({ time, event });
  checkSameLength(risk, 'risk', time.length, 'times');
  checkFinite(risk, 'risk');
  let [concordant, discordant, tiedRisk, tiedTime] = [0, 0, 0, 0];
  const order = ascending(time);
  for (let start = 0; start < order.length;) {
    let end = start + 1;
    while (end < order.length && time[order[end] as number] === time[order[start] as number]) end++;
    const now = order.subarray(start, end);
    const events = now.filter((row) => event[row] === 1);
    const comparable = [...now.filter((row) => event[row] !== 1), ...order.subarray(end)];
    for (const early of events) {
      for (const late of comparable) {
        const difference = (risk[early] as number) - (risk[late] as number);
        if (Math.abs(difference) <= tiedTolerance) tiedRisk++;
        else if (difference > 0) concordant++;
        else discordant++;
      }
    }
    tiedTime += events.length * (now.length - events.length);
    start = end;
  }
  const pairs = concordant + discordant + tiedRisk;
  if (pairs === 0) {
    const events = Array.from(event).filter((value) => value === 1).length;
    const reason =
      events === 0 ? `none of the ${time.length} cases has an event` : 'no case is observed beyond an event';
    throw new UndefinedMetricError('C-index', reason, { absentClass: events === 0 ? 1 : undefined });
  }
  return { cIndex: (concordant + tiedRisk / 2) / pairs, concordant, discordant, tiedRisk, tiedTime };
}

function checkOutcome({ time, event }: SurvivalOutcome): void {
  checkNotEmpty(time, 'time');
  checkFinite(time, 'time');
  checkSameLength(event, 'event', time.length, 'times');
  checkClasses(event, 'event', 2);
}
