import type { TensorInfo } from './conformance-case.js';
import type { LoadedCase } from './load-cases.js';

/** A tensor that does not conform. */
export interface Failure {
  tensor: string;
  message: string;
  /** The largest deviation relative to its tolerance, where numbers could be compared. */
  deviation?: number;
  tolerance?: number;
}

/**
 * Compares one computed tensor with the case's, by the rules of the conformance README §3.
 * @returns undefined when it conforms
 */
export function compareTensor(fixture: LoadedCase, name: string, got: ArrayLike<number>): Failure | undefined {
  const info = fixture.tensors[name] as TensorInfo;
  const want = fixture.data(name);
  if (got.length !== want.length) {
    return { tensor: name, message: `has ${got.length} elements, expected ${want.length} (shape [${info.shape}])` };
  }
  if (orderIsFree(fixture, name)) {
    return compareElements(name, { ...info, exact: true }, sorted(got), sorted(want));
  }
  if (rankings.test(name)) return compareRanking(fixture, name, got, want);
  return compareElements(name, info, got, want);
}

function compareElements(
  tensor: string,
  { exact, atol = 0, rtol = 0, max_dev: maxDeviation, shape }: TensorInfo,
  got: ArrayLike<number>,
  want: ArrayLike<number>,
): Failure | undefined {
  let outside = 0;
  let worst = { ratio: -1, index: 0, deviation: 0, tolerance: 0 };
  for (let index = 0; index < want.length; index++) {
    const [g, w] = [got[index] as number, want[index] as number];
    const tolerance = exact || !Number.isFinite(w) ? 0 : atol + rtol * Math.abs(w);
    const deviation = distance(g, w);
    if (deviation > tolerance) outside++;
    const ratio = deviation === 0 ? 0 : deviation / tolerance;
    if (ratio > worst.ratio) worst = { ratio, index, deviation, tolerance };
  }
  const { index, deviation, tolerance } = worst;
  if (outside === 0) return undefined;
  const limit = maxDeviation === undefined ? 0 : Math.floor((1 - SHARE_WITHIN) * want.length);
  if (maxDeviation !== undefined && outside <= limit && largest(got, want) <= maxDeviation) return undefined;
  const count = want.length === 1 ? '' : `${outside} of ${want.length} outside, worst at [${position(index, shape)}]: `;
  const bound = maxDeviation === undefined ? '' : ` (${limit} may exceed it, none ${maxDeviation})`;
  return {
    tensor,
    deviation,
    tolerance,
    message:
      `${count}got ${format(got[index])}, expected ${format(want[index])}, ` +
      `deviation ${format(deviation)}, tolerance ${format(tolerance)}${bound}`,
  };
}

/** Share of a trajectory's parameters that has to lie within the ordinary tolerance. */
const SHARE_WITHIN = 0.995;

/** Lists of instances ordered by a score: positions may differ where the scores do not. */
const rankings = /^out\.(rank|top_ids|bottom_ids)\b/;

function compareRanking(
  fixture: LoadedCase,
  tensor: string,
  got: ArrayLike<number>,
  want: ArrayLike<number>,
): Failure | undefined {
  const by = ['out.score', 'out.attn_raw', 'out.attn'].find((name) => fixture.has(name));
  const strict = compareElements(tensor, { ...(fixture.tensors[tensor] as TensorInfo), exact: true }, got, want);
  if (!strict || by === undefined) return strict;
  if (new Set(Array.from(got)).size !== got.length) return { tensor, message: 'names an instance twice' };
  const scores = fixture.data(by);
  const { atol = 0, rtol = 0 } = fixture.tensors[by] as TensorInfo;
  for (let i = 0; i < want.length; i++) {
    const [g, w] = [scores[got[i] as number] as number, scores[want[i] as number] as number];
    if (!(Math.abs(g - w) <= atol + rtol * Math.abs(w))) {
      return { tensor, message: `position ${i} is instance ${got[i]}, expected ${want[i]}, whose ${by} differs` };
    }
  }
  return undefined;
}

/** CPython's set order shows where 42 % or more of a bag is masked; then only the set is a fact. */
function orderIsFree({ kind, tensors }: LoadedCase, name: string): boolean {
  const sub = /^out\.kept(\d+)$/.exec(name)?.[1];
  if (kind !== 'mhim.mask' || sub === undefined) return false;
  const kept = tensors[name]?.shape[0] ?? 0;
  const masked = tensors[`out.masked${sub}`]?.shape[0] ?? 0;
  return masked >= 0.4 * (masked + kept);
}

function sorted(values: ArrayLike<number>): Float64Array {
  return Float64Array.from(values).sort();
}

/** |got − want|, 0 for the same non-finite value and infinite for different ones. */
function distance(got: number, want: number): number {
  if (Object.is(got, want) || got === want) return 0;
  if (Number.isNaN(got) && Number.isNaN(want)) return 0;
  const difference = Math.abs(got - want);
  return Number.isFinite(difference) ? difference : Infinity;
}

function largest(got: ArrayLike<number>, want: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < want.length; i++) most = Math.max(most, distance(got[i] as number, want[i] as number));
  return most;
}

function position(index: number, shape: number[]): string {
  const at: number[] = [];
  for (const size of [...shape].reverse()) {
    at.unshift(index % size);
    index = Math.floor(index / size);
  }
  return at.join(', ');
}

function format(value: number | undefined): string {
  return value === undefined ? 'nothing' : Number.isInteger(value) ? String(value) : value.toPrecision(4);
}
