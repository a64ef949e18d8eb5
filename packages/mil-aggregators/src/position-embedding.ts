import * as tf from '@tensorflow/tfjs';
import { MhimError } from '@mhim/tensor';
import type { Positions } from './aggregator.js';

/**
 * Fixed two-dimensional sine-cosine embeddings (Vaswani et al. 2017 §3.5, once for x and once for y):
 * [sin x, cos x, sin y, cos y], a quarter of the width each, wavelengths 1 … 10,000.
 * @returns [n, dim]
 * @throws MhimError `config` when `dim` is no multiple of four
 */
export function sinCosPositions({ xy }: Positions, dim: number): tf.Tensor2D {
  if (dim % 4 !== 0) {
    throw new MhimError(`position embeddings need a width that is a multiple of 4, got ${dim}.`, { code: 'config' });
  }
  const quarter = dim / 4;
  const instances = xy.length / 2;
  const values = new Float32Array(instances * dim);
  for (let i = 0; i < instances; i++) {
    for (let axis = 0; axis < 2; axis++) {
      const at = xy[2 * i + axis] as number;
      const start = i * dim + axis * 2 * quarter;
      for (let k = 0; k < quarter; k++) {
        const angle = at / 10000 ** (k / quarter);
        values[start + k] = Math.sin(angle);
        values[start + quarter + k] = Math.cos(angle);
      }
    }
  }
  return tf.tensor2d(values, [instances, dim]);
}
