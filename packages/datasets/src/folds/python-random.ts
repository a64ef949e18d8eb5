import { MhimError } from '@mhim/tensor';
import { mersenneFromKey, type Words } from './mersenne-twister.js';

/**
 * The draws of Python's `random` module after `random.seed(seed)`, for an integer seed: the same on every Python since 3.2.
 * @throws MhimError `config` for a seed that is no non-negative safe integer
 */
export class PythonRandom {
  private readonly next: Words;

  constructor(seed: number) {
    if (!Number.isSafeInteger(seed) || seed < 0) {
      throw new MhimError(`expected a non-negative integer, got ${seed}.`, { code: 'config', path: 'seed' });
    }
    const high = Math.floor(seed / 2 ** 32);
    this.next = mersenneFromKey(high === 0 ? [seed] : [seed % 2 ** 32, high]);
  }

  /** `random.shuffle(items)`, in place. */
  shuffle<T>(items: T[]): T[] {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [items[i], items[j]] = [items[j] as T, items[i] as T];
    }
    return items;
  }

  /** `random.sample(items, len(items))`: all of them in random order, which is another order than that of `shuffle`. */
  sampleAll<T>(items: readonly T[]): T[] {
    const pool = [...items];
    return items.map((_, i) => {
      const last = items.length - i - 1;
      const j = this.below(last + 1);
      const drawn = pool[j] as T;
      pool[j] = pool[last] as T;
      return drawn;
    });
  }

  /** A random integer in [0, n), n < 2^32: as many bits as n has, drawn again while too large. */
  private below(n: number): number {
    const shift = Math.clz32(n);
    for (;;) {
      const value = this.next() >>> shift;
      if (value < n) return value;
    }
  }
}
