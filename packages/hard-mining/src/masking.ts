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

/**
 * How the scores of several heads choose together. `vote`: every head votes for as many instances as are sought, those with
 * most votes are it (conference version). `union`: every head brings its share of the number, ⌊number/heads⌋, so that a
 * small bag may yield none (the conference version's code calls it "mean"). `max`: an instance counts by its largest score.
 */
export type HeadFusion = 'vote' | 'union' | 'max';

/** Scores of several heads are [heads, n], row by row. */
export interface ScoreHeads {
  /** Default 1. */
  heads?: number;
  /** Default `vote`. */
  fusion?: HeadFusion;
}

export interface ScoreMaskOptions extends ScoreHeads {
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
 * High score masking, plain (HSM) or random among twice as many candidates (RHSM) (MHIM-v2 §3.3.2). Rounding up, it masks
 * all of a very small bag; {@link leaveOne} is for those who need something left.
 * @param scores [n], or [heads, n]
 */
export function highScoreMask(scores: ArrayLike<number>, options: ScoreMaskOptions): Selection {
  return maskByScore(scores, 'highest', options);
}

/**
 * Low score masking (LSM): the ⌈n·ratio⌉ lowest scores (MHIM-v2 §3.3.3), of a very small bag all.
 * @param scores [n], or [heads, n]
 */
export function lowScoreMask(scores: ArrayLike<number>, options: ScoreMaskOptions): Selection {
  return maskByScore(scores, 'lowest', options);
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
 * Keeps the instance that a mask should part with last, where it masks the whole bag: of a high score mask that of the lowest
 * score, of a low score mask that of the highest.
 * @param scores [n], or [heads, n]
 */
export function leaveOne(
  selection: Selection,
  scores: ArrayLike<number>,
  masked: 'highest' | 'lowest',
  { heads = 1, fusion = 'vote' }: ScoreHeads = {},
): Selection {
  const n = selection.masked.length;
  if (selection.kept.length > 0 || n === 0) return selection;
  return select(n, firstByScore(scores, masked, n, { heads, fusion }).slice(0, n - 1));
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
 * The low-score alternative to {@link randomSplit}: the lowest scores among the survivors are recycled, the ⌊l·keepRatio⌋
 * others go on.
 * @param scores of the whole bag, [n] or [heads, n]
 */
export function lowScoreSplit(
  survivors: Int32Array,
  keepRatio: number,
  scores: ArrayLike<number>,
  { heads = 1, fusion = 'vote' }: ScoreHeads = {},
): { kept: Int32Array; recycled: Int32Array } {
  assertRatio('keepRatio', keepRatio);
  const [n, left] = [scores.length / heads, survivors.length];
  const own = Float64Array.from(
    { length: heads * left },
    (_, at) => scores[Math.floor(at / left) * n + (survivors[at % left] as number)] as number,
  );
  const lowest = firstByScore(own, 'lowest', left - Math.floor(left * keepRatio), { heads, fusion });
  const { masked, kept } = select(left, lowest);
  const pick = (indices: Int32Array) => indices.map((i) => survivors[i] as number);
  return { kept: pick(kept), recycled: pick(masked) };
}

/**
 * How many heads have an instance among their first ⌈n·ratio⌉ (conference version, "vote" fusion).
 * @param scores [heads, n] row by row
 * @returns votes [n]
 */
export function headVotes(
  scores: ArrayLike<number>,
  heads: number,
  ratio: number,
  first: 'highest' | 'lowest',
): Int32Array {
  return countVotes(scores, heads, first, Math.ceil((scores.length / heads) * ratio));
}

/** Candidate count and masked count for a bag of n: ⌈n·ratio/randomRatio⌉ and, of those, ⌈candidates·randomRatio⌉. */
export function maskCounts(n: number, ratio: number, randomRatio = 1): { candidates: number; masked: number } {
  const { share, drawn } = shares(ratio, randomRatio);
  const candidates = Math.ceil(n * share);
  return { candidates, masked: drawn(candidates) };
}

/** Permutations drawn from an Rng. */
export function permuteWith(rng: Rng): Permute {
  return (n) => rng.permutation(n);
}

/** Share of the bag that is candidate, and how many of the candidates are masked. */
function shares(ratio: number, randomRatio: number): { share: number; drawn: (candidates: number) => number } {
  assertRatio('ratio', ratio);
  assertRatio('randomRatio', randomRatio);
  let share = ratio / randomRatio;
  let random = randomRatio;
  // More candidates than there are instances: all are, and the ratio itself is drawn from them.
  if (!(share <= 1)) [share, random] = [1, ratio];
  return { share, drawn: (candidates) => (random < 1 ? Math.ceil(candidates * random) : candidates) };
}

function maskByScore(
  scores: ArrayLike<number>,
  first: 'highest' | 'lowest',
  { ratio, randomRatio = 1, permute, heads = 1, fusion = 'vote' }: ScoreMaskOptions,
): Selection {
  const n = scores.length / heads;
  const { share, drawn } = shares(ratio, randomRatio);
  const candidates = firstByScore(scores, first, Math.ceil(n * share), { heads, fusion });
  const count = drawn(candidates.length);
  if (count >= candidates.length) return select(n, candidates);
  if (!permute)
    throw new MhimError('random masking needs a permutation.', { code: 'config', hint: 'Pass { permute }.' });
  return select(n, Int32Array.from(permute(candidates.length), (i) => candidates[i] as number).slice(0, count));
}

/** The `count` instances that come first, in their order; fewer where a `union` finds fewer. */
function firstByScore(
  scores: ArrayLike<number>,
  first: 'highest' | 'lowest',
  count: number,
  { heads, fusion }: Required<ScoreHeads>,
): Int32Array {
  const n = scores.length / heads;
  if (heads === 1) return smallest(keysOf(n, scores, first), count);
  switch (fusion) {
    case 'vote':
      return smallest(keysOf(n, countVotes(scores, heads, first, count), 'highest'), count);
    case 'union': {
      const named = new Set(ballots(scores, heads, first, Math.floor(count / heads)).flatMap((ballot) => [...ballot]));
      return Int32Array.from(named).sort();
    }
    case 'max': {
      const largest = Float64Array.from({ length: n }, (_, i) => {
        let most = -Infinity;
        for (let head = 0; head < heads; head++) most = Math.max(most, scores[head * n + i] as number);
        return most;
      });
      return smallest(keysOf(n, largest, first), count);
    }
  }
}

function countVotes(scores: ArrayLike<number>, heads: number, first: 'highest' | 'lowest', count: number): Int32Array {
  const votes = new Int32Array(scores.length / heads);
  for (const ballot of ballots(scores, heads, first, count)) for (const i of ballot) (votes[i] as number)++;
  return votes;
}

/** Every head's first `count` instances. */
function ballots(scores: ArrayLike<number>, heads: number, first: 'highest' | 'lowest', count: number): Int32Array[] {
  const n = scores.length / heads;
  return Array.from({ length: heads }, (_, head) => smallest(keysOf(n, scores, first, head * n), count));
}

/** Keys whose ascending order is that of the scores. */
function keysOf(n: number, scores: ArrayLike<number>, first: 'highest' | 'lowest', offset = 0): Float64Array {
  const sign = first === 'highest' ? -1 : 1;
  return Float64Array.from({ length: n }, (_, i) => sign * (scores[offset + i] as number));
}

/** Where the `count` smallest keys are, ascending by key; equal keys keep their order. */
function smallest(keys: Float64Array, count: number): Int32Array {
  if (count <= 0) return new Int32Array();
  // A typed array sorts its numbers much faster than indices by a comparison, and few are wanted.
  const cut = keys.slice().sort()[Math.min(count, keys.length) - 1] as number;
  const [below, equal]: [number[], number[]] = [[], []];
  keys.forEach((key, i) => {
    if (key < cut) below.push(i);
    else if (key === cut || Number.isNaN(cut)) equal.push(i);
  });
  below.sort((a, b) => (keys[a] as number) - (keys[b] as number) || a - b);
  return Int32Array.from([...below, ...equal.slice(0, count - below.length)]);
}

function select(n: number, maskedIndices: ArrayLike<number> & Iterable<number>): Selection {
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
