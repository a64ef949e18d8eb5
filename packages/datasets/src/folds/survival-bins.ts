import { MhimError } from '@mhim/tensor';

export interface SurvivalBins {
  /** [bins + 1], ascending; a bin holds its lower edge and not its upper one. */
  readonly edges: number[];
  /** Bin of each row, 0 … bins−1. */
  readonly bins: Int32Array;
}

/**
 * Discrete time: bins whose inner edges are the quantiles of the uncensored times (linear interpolation), the outer ones
 * just beyond the shortest and longest time of all (official code, `survival_label`).
 *
 * The official code takes them from the whole cohort before it splits; pass the training rows and `binOf` for edges
 * that have not seen the test fold.
 * @param times one time a row, any unit
 * @param events 1 = the event was seen, 0 = censored
 * @throws MhimError `data` for a time that is no number, no uncensored row, or quantiles that coincide
 */
export function survivalBins(times: ArrayLike<number>, events: ArrayLike<number>, bins = 4): SurvivalBins {
  const margin = 1e-6;
  const all = Array.from(times);
  const bad = all.findIndex((time) => !Number.isFinite(time));
  if (bad >= 0) throw cohortError(`row ${bad} has the time ${all[bad]}.`, 'Give every row a time.');
  const seen = all.filter((_, row) => events[row] === 1).sort((a, b) => a - b);
  if (seen.length === 0)
    throw cohortError('no row with an event.', 'Is the status column the right way round (1 = event)?');
  const edges = Array.from({ length: bins + 1 }, (_, i) => quantile(seen, i / bins));
  if (edges.some((edge, i) => i > 0 && edge <= (edges[i - 1] as number))) {
    throw cohortError(`the ${bins} quantile bins of ${seen.length} event times coincide.`, 'Use fewer bins.');
  }
  edges[0] = all.reduce((a, b) => Math.min(a, b)) - margin;
  edges[bins] = all.reduce((a, b) => Math.max(a, b)) + margin;
  return { edges, bins: Int32Array.from(all, (time) => binOf(edges, time)) };
}

/** The bin of a time; times outside the edges go to the first or last bin. */
export function binOf(edges: readonly number[], time: number): number {
  let bin = 0;
  while (bin < edges.length - 2 && time >= (edges[bin + 1] as number)) bin++;
  return bin;
}

/** Linear interpolation between the two closest ranks, rounded as NumPy rounds it. */
function quantile(sorted: readonly number[], q: number): number {
  const position = (sorted.length - 1) * q;
  const below = Math.floor(position);
  const low = sorted[below] as number;
  const high = sorted[Math.min(below + 1, sorted.length - 1)] as number;
  const t = position - below;
  return t >= 0.5 ? high - (high - low) * (1 - t) : low + (high - low) * t;
}

function cohortError(what: string, hint: string): MhimError {
  return new MhimError(what, { code: 'data', path: 'survival times', hint });
}
