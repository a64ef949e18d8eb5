import { MhimError } from '@mhim/tensor';

/**
 * Discrete time: edges of bins whose inner ones are the quantiles of the uncensored times (linear interpolation), the outer
 * ones 10⁻⁶ beyond the shortest and the longest time of all (official code of MHIM, MCAT and SurvPath).
 *
 * The edges know only the rows that are passed. Pass the training fold's; the official code passes the whole cohort before it
 * splits, so that its edges have seen the test fold.
 * @param times one time a row, any unit
 * @param events 1 = the event was seen, 0 = censored
 * @returns [bins + 1], ascending; a bin holds its lower edge and not its upper one, see {@link timeBinOf}
 * @throws MhimError `config` for fewer than 1 or more than 1000 bins, `data` for a time that is no number, no uncensored row, or quantiles that coincide
 */
export function fitTimeBins(times: ArrayLike<number>, events: ArrayLike<number>, bins = 4): number[] {
  if (!Number.isInteger(bins) || bins < 1 || bins > MAX_BINS) {
    throw new MhimError(`expected an integer from 1 to ${MAX_BINS}, got ${bins}.`, { code: 'config', path: 'bins' });
  }
  const all = Array.from(times);
  const bad = all.findIndex((time) => !Number.isFinite(time));
  if (bad >= 0) throw cohortError(`row ${bad} has the time ${all[bad]}.`, 'Give every row a time.');
  const seen = all.filter((_, row) => events[row] === 1).sort((a, b) => a - b);
  if (seen.length === 0) {
    throw cohortError('no row with an event.', 'Is the status column the right way round (1 = event)?');
  }
  const edges = Array.from({ length: bins + 1 }, (_, i) => quantile(seen, i / bins));
  if (edges.some((edge, i) => i > 0 && edge <= (edges[i - 1] as number))) {
    throw cohortError(`the ${bins} quantile bins of ${seen.length} event times coincide.`, 'Use fewer bins.');
  }
  edges[0] = all.reduce((a, b) => Math.min(a, b)) - MARGIN;
  edges[bins] = all.reduce((a, b) => Math.max(a, b)) + MARGIN;
  return edges;
}

/** The bin of a time, 0 … bins−1; times outside the edges go to the first or last bin. */
export function timeBinOf(edges: readonly number[], time: number): number {
  let bin = 0;
  while (bin < edges.length - 2 && time >= (edges[bin + 1] as number)) bin++;
  return bin;
}

/** More than any cohort has deaths to tell apart. */
const MAX_BINS = 1000;

/** How far the outer edges lie beyond the times. */
const MARGIN = 1e-6;

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
