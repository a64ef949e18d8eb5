import { MhimError } from '@mhim/tensor';
import { mersenneFromSeed, type Words } from './mersenne-twister.js';

/**
 * The draws of NumPy's legacy `RandomState(seed)`, which NumPy keeps stable for good; pandas and scikit-learn use it for `random_state=seed`.
 * @throws MhimError `config` for a seed outside [0, 2^32)
 */
export class NumpyRandomState {
  private readonly next: Words;

  constructor(seed: number) {
    if (!Number.isInteger(seed) || seed < 0 || seed >= 2 ** 32) {
      throw new MhimError(`expected an integer in [0, 2^32), got ${seed}.`, { code: 'config', path: 'seed' });
    }
    this.next = mersenneFromSeed(seed);
  }

  /** `permutation(n)`: 0 … n−1 in random order. pandas' `sample(frac=1)` takes its rows in this order. */
  permutation(n: number): number[] {
    return this.shuffle(Array.from({ length: n }, (_, i) => i));
  }

  /** `shuffle(items)`, in place. */
  shuffle<T>(items: T[]): T[] {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.upTo(i);
      [items[i], items[j]] = [items[j] as T, items[i] as T];
    }
    return items;
  }

  /** A random integer in [0, most]: the low bits of a word, drawn again while too large. */
  private upTo(most: number): number {
    const mask = 0xffffffff >>> Math.clz32(most);
    for (;;) {
      const value = (this.next() & mask) >>> 0;
      if (value <= most) return value;
    }
  }
}
