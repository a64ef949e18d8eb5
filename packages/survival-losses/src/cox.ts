import * as tf from '@tensorflow/tfjs';
import { differentiable, MhimError } from '@mhim/tensor';

/** How events of the same time share their risk set (Breslow 1974; Efron 1977). Without ties the two are the same. */
export type CoxTies = 'efron' | 'breslow';

export interface CoxLossOptions {
  /** Default `efron`. */
  ties?: CoxTies;
  /** What the negative log-likelihood is divided by: the subjects (default, as scikit-survival and MCAT), the events, or nothing. */
  per?: 'subject' | 'event' | 'sum';
}

/**
 * Cox's negative log partial likelihood of the risks of several bags (Cox 1975). The risk set of an event holds every subject
 * whose time is at least as long; what is censored counts in risk sets only.
 * @param risks log-risks [n, 1] or [n], one a bag, stacked so that gradients reach every bag
 * @param times one a bag, any unit
 * @param events 1 = the event was seen, 0 = censored
 * @returns a scalar
 * @throws MhimError `data` when the lists have different lengths, no event is among them or a value is no number
 */
export function coxLoss(
  risks: tf.Tensor2D | tf.Tensor1D,
  times: ArrayLike<number>,
  events: ArrayLike<number>,
  { ties = 'efron', per = 'subject' }: CoxLossOptions = {},
): tf.Scalar {
  return differentiable((input: tf.Tensor) => {
    const { loss, gradient, events: count } = coxPartialLikelihood(input.dataSync(), times, events, { ties });
    const scale = 1 / (per === 'sum' ? 1 : per === 'event' ? count : gradient.length);
    return {
      value: tf.scalar(loss * scale),
      save: [
        tf.tensor(
          Float32Array.from(gradient, (slope) => slope * scale),
          input.shape,
        ),
      ],
      gradient: (upstream, [saved]) => [() => tf.mul(saved as tf.Tensor, upstream)],
    };
  })(risks);
}

export interface CoxLikelihood {
  /** Negative log partial likelihood, summed over the events. */
  loss: number;
  /** d loss / d risk, [n] */
  gradient: Float64Array;
  /** How many events there are. */
  events: number;
}

/** {@link coxLoss} of plain numbers, in double precision and O(n log n). */
export function coxPartialLikelihood(
  risks: ArrayLike<number>,
  times: ArrayLike<number>,
  events: ArrayLike<number>,
  { ties = 'efron' }: { ties?: CoxTies } = {},
): CoxLikelihood {
  checkSubjects(risks, times, events);
  const groups = timeGroups(times, events);
  const n = risks.length;
  const gradient = new Float64Array(n);
  let loss = 0;
  // Sums over the risk set in units of exp(top), so that no spread of risks overflows or loses a late risk set.
  let [top, sum] = [-Infinity, 0];
  const terms: { top: number; shared: number; dying: number }[] = [];
  for (const { all, deaths } of groups) {
    const raised = all.reduce((most, row) => Math.max(most, risks[row] as number), top);
    sum *= Math.exp(top - raised);
    top = raised;
    const power = (row: number) => Math.exp((risks[row] as number) - top);
    for (const row of all) sum += power(row);
    const dying = deaths.reduce((total, row) => total + power(row), 0);
    const term = { top, shared: 0, dying: 0 };
    for (let k = 0; k < deaths.length; k++) {
      const gone = ties === 'efron' ? k / deaths.length : 0;
      const left = sum - gone * dying;
      loss += Math.log(left) + top - (risks[deaths[k] as number] as number);
      term.shared += 1 / left;
      term.dying += gone / left;
    }
    terms.push(term);
  }
  // Each subject is in the risk sets of all times up to its own, hence from the earliest time on.
  let [base, shared] = [Infinity, 0];
  for (let g = groups.length - 1; g >= 0; g--) {
    const [{ all, deaths }, term] = [groups[g] as TimeGroup, terms[g] as (typeof terms)[number]];
    shared = shared * Math.exp(term.top - base) + term.shared;
    base = term.top;
    for (const row of all) gradient[row] = shared * Math.exp((risks[row] as number) - base);
    for (const row of deaths) {
      gradient[row] = (gradient[row] as number) - term.dying * Math.exp((risks[row] as number) - base) - 1;
    }
  }
  return { loss, gradient, events: groups.reduce((total, { deaths }) => total + deaths.length, 0) };
}

/** Subjects of one time. */
export interface TimeGroup {
  all: number[];
  deaths: number[];
}

/** Subjects by time, the latest first, as risk sets grow. */
export function timeGroups(times: ArrayLike<number>, events: ArrayLike<number>): TimeGroup[] {
  const order = Array.from({ length: times.length }, (_, row) => row);
  order.sort((a, b) => (times[b] as number) - (times[a] as number) || a - b);
  const groups: TimeGroup[] = [];
  let last: number | undefined;
  for (const row of order) {
    if (times[row] !== last) groups.push({ all: [], deaths: [] });
    last = times[row] as number;
    const group = groups[groups.length - 1] as TimeGroup;
    group.all.push(row);
    if (events[row] === 1) group.deaths.push(row);
  }
  return groups;
}

/** @throws MhimError `data` */
export function checkSubjects(
  risks: ArrayLike<number>,
  times: ArrayLike<number>,
  events: ArrayLike<number>,
  path = 'risks',
): void {
  const n = risks.length;
  for (const [name, values] of Object.entries({ times, events })) {
    if (values.length !== n)
      throw dataError(name, `expected ${n} values, one for each of the ${path}, got ${values.length}.`);
  }
  for (const [name, values] of Object.entries({ [path]: risks, times })) {
    const bad = Array.from(values).findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) throw dataError(name, `entry ${bad} is ${values[bad]}.`);
  }
  const odd = Array.from(events).findIndex((event) => event !== 0 && event !== 1);
  if (odd >= 0) throw dataError('events', `expected 0 or 1, entry ${odd} is ${events[odd]}.`);
  if (!Array.from(events).includes(1)) {
    throw dataError('events', `all ${n} subjects are censored, a partial likelihood needs an event.`);
  }
}

function dataError(path: string, what: string): MhimError {
  return new MhimError(what, { code: 'data', path });
}
