import { checkClasses, checkFinite, checkNotEmpty, checkSameLength, type Numbers } from './check.js';
import { ascending } from './ranks.js';

/** Survival of a cohort, a value for each case. */
export interface SurvivalOutcome {
  /** Time to the event or to the end of observation, any unit. */
  time: Numbers;
  /** 1 = the event was observed, 0 = censored. */
  event: Numbers;
}

/** What happened at each distinct observed time. */
export interface RiskTable {
  /** Ascending, [times] as everything here. */
  times: Float64Array;
  /** Cases still observed just before the time. */
  atRisk: Int32Array;
  events: Int32Array;
  censored: Int32Array;
}

/** Events and censorings of a cohort by time. */
export function riskTable(outcome: SurvivalOutcome): RiskTable {
  checkOutcome(outcome);
  const { time, event } = outcome;
  const order = ascending(time);
  const rows: [time: number, atRisk: number, events: number, censored: number][] = [];
  for (let start = 0; start < order.length;) {
    const now = time[order[start] as number] as number;
    let [end, events] = [start, 0];
    for (; end < order.length && time[order[end] as number] === now; end++) {
      events += event[order[end] as number] as number;
    }
    rows.push([now, order.length - start, events, end - start - events]);
    start = end;
  }
  return {
    times: Float64Array.from(rows, (row) => row[0]),
    atRisk: Int32Array.from(rows, (row) => row[1]),
    events: Int32Array.from(rows, (row) => row[2]),
    censored: Int32Array.from(rows, (row) => row[3]),
  };
}

/** @throws MetricError unless times are finite and every one has its event, 0 or 1 */
export function checkOutcome({ time, event }: SurvivalOutcome, path = ''): void {
  checkNotEmpty(time, `${path}time`);
  checkFinite(time, `${path}time`);
  checkSameLength(event, `${path}event`, time.length, 'times');
  checkClasses(event, `${path}event`, 2);
}

/** Position of the last of ascending values that is ≤ `value`; −1 before the first. */
export function lastAtOrBelow(values: Numbers, value: number): number {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((values[middle] as number) <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
