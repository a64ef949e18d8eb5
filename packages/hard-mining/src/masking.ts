import { MhimError, type Rng } from '@mhim/tensor';

/** Instances by what happens to them; indices into the bag. */
export interface Selection {
  /** Left out, ascending. */
  masked: Int32Array;
  /** Left in, ascending. */
  kept: Int32Array;
}

/** A permutation of 0 … n−1. Tests pass fixed ones; training draws them. */
export type Permute = (n: number) => ArrayLike<number>;

export interface ScoreMaskOptions {
  /** Share of the bag to mask, of all n instances. */
  ratio: number;
  /**
   * Share of the candidates that is masked, at random: the candidates are the ⌈n·ratio/randomRatio⌉ first by score.
   * 1 masks all of them (HSM), 0.5 is the paper's randomly high score masking (RHSM). Default 1.
   */
  randomRatio?: number;
  /** Where the random choice comes from; needed when `randomRatio` < 1. */
  permute?: Permute;
}

/**
 * High score masking, plain (HSM) or random among twice as many candidates (RHSM) (MHIM-v2 §3.3.2).
 * At least one instance is always kept.
 * @param scores [n]
 */
export function highScoreMask(scores: ArrayLike<number>, options: ScoreMaskOptions): Selection {
  return select(scores.length, masked(scores, 'highest', options));
}

/** Low score masking (LSM): the ⌈n·ratio⌉ lowest scores (MHIM-v2 §3.3.3). */
export function lowScoreMask(scores: ArrayLike<number>, options: ScoreMaskOptions): Selection {
  return select(scores.length, masked(scores, 'lowest', options));
}

/** Random score masking (RSM) of the conference version: ⌈n·ratio⌉ instances, whatever their scores. */
export function randomMask(n: number, ratio: number, permute: Permute): Selection {
  assertRatio('ratio', ratio);
  return select(n, Array.from(permute(n)).slice(0, Math.ceil(n * ratio)));
}

/** What is masked by any of several masks over the same bag (conference version: ratios overlap, sizes stay those of n). */
export function unionOf(n: number, selections: Selection[]): Selection {
  return select(
    n,
    selections.flatMap(({ masked }) => Array.from(masked)),
  );
}

/**
 * The large random mask of MHIM-v2 (eq. 9) over the survivors of the high score mask: ⌊l·keepRatio⌋ go on, in the order of
 * the permutation, the rest goes to the recycle network.
 * @param survivors indices that are left, length l
 * @param keepRatio 1 − βl, given as such: ⌊l·(1 − 0.8)⌋ is one short of ⌊l·0.2⌋ in doubles
 */
export function randomSplit(
  survivors: Int32Array,
  keepRatio: number,
  permute: Permute,
): { kept: Int32Array; recycled: Int32Array } {
  assertRatio('keepRatio', keepRatio);
  const shuffled = Int32Array.from(permute(survivors.length), (i) => survivors[i] as number);
  const count = Math.floor(survivors.length * keepRatio);
  return { kept: shuffled.slice(0, count), recycled: shuffled.slice(count) };
}

/**
 * The low-score alternative to {@link randomSplit}: the ⌊l·keepRatio⌋ best scores go on, the rest is recycled.
 */
export function lowScoreSplit(
  survivors: Int32Array,
  keepRatio: number,
  scores: ArrayLike<number>,
): { kept: Int32Array; recycled: Int32Array } {
  assertRatio('keepRatio', keepRatio);
  const count = Math.floor(survivors.length * keepRatio);
  const best = order(survivors.length, (i) => -(scores[survivors[i] as number] as number)).slice(0, count);
  const { masked, kept } = select(survivors.length, Array.from(best));
  const pick = (indices: Int32Array) => indices.map((i) => survivors[i] as number);
  return { kept: pick(masked), recycled: pick(kept) };
}

/**
 * Scores of several attention heads as one: every head votes for its first ⌈n·ratio⌉ instances and the instances with most
 * votes are the candidates (conference version, "vote" fusion).
 * @param scores [heads, n] row by row
 * @returns votes [n]
 */
export function headVotes(
  scores: ArrayLike<number>,
  heads: number,
  ratio: number,
  first: 'highest' | 'lowest',
): Int32Array {
  const n = scores.length / heads;
  const votes = new Int32Array(n);
  const sign = first === 'highest' ? -1 : 1;
  for (let head = 0; head < heads; head++) {
    const ranked = order(n, (i) => sign * (scores[head * n + i] as number));
    for (const i of ranked.slice(0, Math.ceil(n * ratio))) (votes[i] as number)++;
  }
  return votes;
}

/** Candidate count and masked count for a bag of n: ⌈n·ratio/randomRatio⌉ and, of those, ⌈candidates·randomRatio⌉. */
export function maskCounts(n: number, ratio: number, randomRatio = 1): { candidates: number; masked: number } {
  assertRatio('ratio', ratio);
  assertRatio('randomRatio', randomRatio);
  let share = ratio / randomRatio;
  let random = randomRatio;
  // More candidates than there are instances: all are, and the ratio itself is drawn from them.
  if (share > 1) [share, random] = [1, ratio];
  const candidates = Math.ceil(n * share);
  return { candidates, masked: random < 1 ? Math.ceil(candidates * random) : candidates };
}

function masked(
  scores: ArrayLike<number>,
  first: 'highest' | 'lowest',
  { ratio, randomRatio = 1, permute }: ScoreMaskOptions,
): number[] {
  const n = scores.length;
  const counts = maskCounts(n, ratio, randomRatio);
  const sign = first === 'highest' ? -1 : 1;
  const candidates = order(n, (i) => sign * (scores[i] as number)).slice(0, counts.candidates);
  const limit = Math.min(counts.masked, n - 1);
  if (counts.masked >= candidates.length) return Array.from(candidates.slice(0, limit));
  if (!permute)
    throw new MhimError('random masking needs a permutation.', { code: 'config', hint: 'Pass { permute }.' });
  return Array.from(permute(candidates.length), (i) => candidates[i] as number).slice(0, limit);
}

/** Indices 0 … n−1 by ascending key; equal keys keep their order. */
function order(n: number, key: (i: number) => number): Int32Array {
  const keys = Float64Array.from({ length: n }, (_, i) => key(i));
  return Int32Array.from({ length: n }, (_, i) => i).sort((a, b) => (keys[a] as number) - (keys[b] as number) || a - b);
}

function select(n: number, maskedIndices: number[]): Selection {
  const out = new Uint8Array(n);
  for (const i of maskedIndices) out[i] = 1;
  const masked: number[] = [];
  const kept: number[] = [];
  for (let i = 0; i < n; i++) (out[i] ? masked : kept).push(i);
  return { masked: Int32Array.from(masked), kept: Int32Array.from(kept) };
}

function assertRatio(name: string, ratio: number): void {
  if (!(ratio >= 0 && ratio <= 1)) {
    throw new MhimError(`expected a share between 0 and 1, got ${ratio}.`, { code: 'config', path: name });
  }
}

/** Permutations drawn from an Rng. */
export function permuteWith(rng: Rng): Permute {
  return (n) => rng.permutation(n);
}
