import { riskTable, type RiskTable, type SurvivalOutcome } from './survival-outcome.js';

export interface CumulativeHazard extends RiskTable {
  /** H just after each time. */
  hazard: Float64Array;
}

/**
 * Nelson–Aalen estimate of the cumulative hazard (Nelson 1972, Aalen 1978).
 * @param ties d events at one time add d/n (`together`, default, as scikit-survival), or 1/n + 1/(n−1) + … as if one after
 * the other (`in-turn`, Fleming and Harrington; as lifelines)
 */
export function nelsonAalen(
  outcome: SurvivalOutcome,
  { ties = 'together' }: { ties?: 'together' | 'in-turn' } = {},
): CumulativeHazard {
  const table = riskTable(outcome);
  let total = 0;
  const hazard = table.events.reduce((steps, d, i) => {
    const n = table.atRisk[i] as number;
    if (ties === 'together') total += d / n;
    else for (let k = 0; k < d; k++) total += 1 / (n - k);
    steps[i] = total;
    return steps;
  }, new Float64Array(table.times.length));
  return { ...table, hazard };
}
