import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** A few draws one after the other, from a library's generator: for shapes, places and counts. */
export class Draws {
  private readonly generator;

  constructor(key: number) {
    this.generator = xoroshiro128plus(key | 0);
  }

  /** U[low, high). */
  uniform(low = 0, high = 1): number {
    return low + ((high - low) * (this.generator.next() >>> 8)) / 2 ** 24;
  }

  /** A random integer in [low, high], both included. */
  integer(low: number, high: number): number {
    return uniformInt(this.generator, low, high);
  }
}

/** Counter-based noise: value `index` of stream `key`, approximately N(0, 1), by integer arithmetic only (the same everywhere). */
export function normalAt(key: number, index: number): number {
  // Two words are eight bytes; their sum has the variance 8 · (256² − 1) / 12.
  const sum = byteSum(hash(key, 2 * index)) + byteSum(hash(key, 2 * index + 1));
  return (sum - 1020) / 209.02;
}

/** Fills `target` with noise of variance `scale`², cheaper and with shorter tails than {@link normalAt}. */
export function fillNoise(target: Float32Array, key: number, start: number, scale: number): void {
  const unit = scale / 147.8;
  for (let i = 0; i < target.length; i++) target[i] = (byteSum(hash(key, start + i)) - 510) * unit;
}

/** A key for the stream `label` of another key. */
export function subkey(key: number, label: number): number {
  return hash(hash(key, label), 0x9e3779b9);
}

/**
 * A smooth random field over the unit square: random values on a grid of `cells`², polynomial interpolation between them.
 * Values lie in [−1, 1].
 */
export function smoothField(draws: Draws, cells: number): (x: number, y: number) => number {
  const side = cells + 2;
  const values = Float64Array.from({ length: side * side }, () => draws.uniform(-1, 1));
  return (x, y) => {
    const column = Math.min(cells, Math.floor(x * cells));
    const row = Math.min(cells, Math.floor(y * cells));
    const u = ease(x * cells - column);
    const v = ease(y * cells - row);
    const at = row * side + column;
    const top = (values[at] as number) * (1 - u) + (values[at + 1] as number) * u;
    const bottom = (values[at + side] as number) * (1 - u) + (values[at + side + 1] as number) * u;
    return top * (1 - v) + bottom * v;
  };
}

function ease(t: number): number {
  return t * t * (3 - 2 * t);
}

/** A 32-bit hash of a counter under a key (the finaliser of Murmur3, keyed before and between its rounds). */
function hash(key: number, counter: number): number {
  let h = Math.imul(counter ^ key, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 15) ^ key, 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 13), 0x27d4eb2f);
  return h ^ (h >>> 16);
}

function byteSum(word: number): number {
  const pairs = (word & 0x00ff00ff) + ((word >>> 8) & 0x00ff00ff);
  return (pairs & 0xffff) + (pairs >>> 16);
}
