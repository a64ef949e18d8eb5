import * as tf from '@tensorflow/tfjs';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { MhimError } from './errors.js';
import { isNative, nativeOp } from './native.js';

/** The whole state of an {@link Rng}: three 32-bit integers, ready for a checkpoint. */
export interface RngState {
  seed: number;
  stream: number;
  counter: number;
}

/**
 * Counter-based random numbers. Every draw is a pure function of (seed, stream, counter) and advances the counter by one,
 * so a stored state continues exactly where it stopped and streams never disturb each other.
 *
 * Tensors are drawn by TensorFlow's stateless kernels (Philox 4×32) on the native backend and by pure-rand elsewhere:
 * the same seed gives the same bits on the same backend. Host draws (permutations, integers) are the same everywhere.
 */
export class Rng {
  readonly seed: number;
  readonly stream: number;
  private counter: number;

  constructor(seed: number, stream = 0, counter = 0) {
    for (const [name, value] of Object.entries({ seed, stream, counter })) {
      if (!Number.isInteger(value) || value < 0 || value > 0xffffffff) {
        throw new MhimError(`expected an integer in [0, 2^32), got ${value}.`, { code: 'config', path: `Rng ${name}` });
      }
    }
    this.seed = seed;
    this.stream = stream;
    this.counter = counter;
  }

  static from({ seed, stream, counter }: RngState): Rng {
    return new Rng(seed, stream, counter);
  }

  get state(): RngState {
    return { seed: this.seed, stream: this.stream, counter: this.counter };
  }

  /** An independent generator: the same seed, another stream, derived from this stream and `label`. */
  fork(label: number): Rng {
    return new Rng(this.seed, mix(this.stream, label, 0x9e3779b9), 0);
  }

  /** U[0, 1), float32, of any shape. */
  uniform<R extends tf.Rank = tf.Rank>(shape: tf.ShapeMap[R]): tf.Tensor<R> {
    return this.draw('StatelessRandomUniform', shape, (next) => next());
  }

  /** N(0, 1), float32, of any shape. */
  normal<R extends tf.Rank = tf.Rank>(shape: tf.ShapeMap[R]): tf.Tensor<R> {
    return this.draw('StatelessRandomNormal', shape, (next) => {
      // Box–Muller; 1 − u keeps the logarithm finite.
      const radius = Math.sqrt(-2 * Math.log(1 - next()));
      return radius * Math.cos(2 * Math.PI * next());
    });
  }

  /** Booleans, true (keep) with probability 1 − rate. */
  keeps<R extends tf.Rank = tf.Rank>(shape: tf.ShapeMap[R], rate: number): tf.Tensor<R> {
    return tf.tidy(() => this.drawKeeps(shape as number[], rate) as tf.Tensor<R>);
  }

  /** A tensor that is scale/(1−rate) with probability 1−rate and 0 otherwise: the factor of inverted dropout. */
  keepMask<R extends tf.Rank = tf.Rank>(shape: tf.ShapeMap[R], rate: number, scale = 1): tf.Tensor<R> {
    const factor = scale / (1 - rate);
    return tf.tidy(() => {
      const kept = tf.cast(this.keeps<R>(shape, rate), 'float32');
      return (factor === 1 ? kept : tf.mul(kept, factor)) as tf.Tensor<R>;
    });
  }

  /** A random permutation of 0 … n−1, on the host, the same on every backend. */
  permutation(n: number): Int32Array {
    const next = this.host();
    const order = Int32Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = uniformInt(next, 0, i);
      const held = order[i] as number;
      order[i] = order[j] as number;
      order[j] = held;
    }
    return order;
  }

  /** A random integer in [low, high], both included. */
  integer(low: number, high: number): number {
    return uniformInt(this.host(), low, high);
  }

  private drawKeeps(shape: number[], rate: number): tf.Tensor {
    const drawsPerWord = 4;
    const size = shape.reduce((a, b) => a * b, 1);
    // A rate that is a multiple of 1/256 needs eight random bits, not twenty-four: a quarter of the draws.
    if (isNative() && Number.isInteger(rate * 256) && size % drawsPerWord === 0) {
      const words = nativeOp(
        'StatelessRandomUniformFullInt',
        [
          { name: 'dtype', type: 'TYPE', value: 'INT32' },
          { name: 'T', type: 'TYPE', value: 'INT32' },
          { name: 'Tseed', type: 'TYPE', value: 'INT32' },
        ],
        [tf.tensor1d([size / drawsPerWord], 'int32'), this.key()],
      );
      const bytes = nativeOp(
        'Bitcast',
        [
          { name: 'T', type: 'TYPE', value: 'INT32' },
          { name: 'type', type: 'TYPE', value: 'UINT8' },
        ],
        [words],
      );
      const threshold = nativeOp(
        'Cast',
        [
          { name: 'SrcT', type: 'TYPE', value: 'INT32' },
          { name: 'DstT', type: 'TYPE', value: 'UINT8' },
          { name: 'Truncate', type: 'BOOL', value: false },
        ],
        [tf.scalar(rate * 256, 'int32')],
      );
      const keep = nativeOp('GreaterEqual', [{ name: 'T', type: 'TYPE', value: 'UINT8' }], [bytes, threshold]);
      return tf.reshape(keep, shape);
    }
    return tf.greaterEqual(this.uniform(shape as tf.ShapeMap[tf.Rank]), rate);
  }

  private draw<R extends tf.Rank>(
    kernel: 'StatelessRandomUniform' | 'StatelessRandomNormal',
    shape: tf.ShapeMap[R],
    sample: (next: () => number) => number,
  ): tf.Tensor<R> {
    if (isNative()) {
      return tf.tidy(() => {
        const attributes = [
          { name: 'dtype', type: 'TYPE', value: 'FLOAT' } as const,
          { name: 'T', type: 'TYPE', value: 'INT32' } as const,
          { name: 'Tseed', type: 'TYPE', value: 'INT32' } as const,
        ];
        return nativeOp(kernel, attributes, [tf.tensor1d(shape as number[], 'int32'), this.key()]) as tf.Tensor<R>;
      });
    }
    const generator = this.host();
    const next = () => (generator.next() >>> 8) / 0x1000000;
    const values = new Float32Array((shape as number[]).reduce((a, b) => a * b, 1));
    for (let i = 0; i < values.length; i++) values[i] = sample(next);
    return tf.tensor(values, shape, 'float32');
  }

  private key(): tf.Tensor1D {
    const words = Int32Array.of(mix(this.seed, this.stream, 0x85ebca6b), this.counter);
    this.counter = (this.counter + 1) >>> 0;
    return tf.tensor1d(words, 'int32');
  }

  private host() {
    const generator = xoroshiro128plus(mix(mix(this.seed, this.stream, 0x85ebca6b), this.counter, 0xc2b2ae35) | 0);
    this.counter = (this.counter + 1) >>> 0;
    return generator;
  }
}

/** A 32-bit hash of two words (Murmur3's finaliser over their combination). */
function mix(a: number, b: number, salt: number): number {
  let h = Math.imul(a ^ salt, 0xcc9e2d51) ^ Math.imul((b << 15) | (b >>> 17), 0x1b873593);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
