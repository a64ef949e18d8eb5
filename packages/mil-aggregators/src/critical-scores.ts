import * as tf from '@tensorflow/tfjs';
import { columnSums, differentiable, reluGradient, tanhGradient } from '@mhim/tensor';
import { affine } from './affine.js';

/** The query network q of DSMIL: one linear layer, or two with ReLU between and tanh after. */
export interface QueryWeights {
  /** [h, d] and [h] */
  first: tf.Tensor2D;
  firstBias?: tf.Tensor1D;
  /** [h, h] and [h]; absent for a linear query. */
  second?: tf.Tensor2D;
  secondBias?: tf.Tensor1D;
}

/**
 * How near each instance's query lies to that of each class's critical instance, ⟨q(zᵢ), q(z_critical)⟩/√h
 * (Li et al. 2021 eq. 3–4), as one node of the tape. With a linear query, up to a constant a class, which a softmax over
 * instances does not see: the second projection then folds into the critical queries, and no instance is projected.
 * @param instances [n, d]
 * @param critical the critical instance of each class, [c] int32
 * @returns [c, n]
 */
export function criticalScores(instances: tf.Tensor2D, critical: tf.Tensor1D, weights: QueryWeights): tf.Tensor2D {
  const names = (['first', 'firstBias', 'second', 'secondBias'] as const).filter((name) => weights[name]);
  const scores = differentiable((z: tf.Tensor2D, ..._parameters: tf.Tensor[]) => {
    const { value, save, gradient } = weights.second ? nonlinear(z, critical, weights) : folded(z, critical, weights);
    return {
      value,
      save,
      gradient: (dy, saved) => {
        const gradients = gradient(dy, saved as tf.Tensor2D[]);
        return [gradients.instances, ...names.map((name) => gradients[name])];
      },
    };
  });
  return scores(instances, ...names.map((name) => weights[name] as tf.Tensor));
}

interface ScoresOf {
  value: tf.Tensor2D;
  save: tf.Tensor[];
  gradient: (dy: tf.Tensor2D, saved: tf.Tensor2D[]) => Record<'instances' | keyof QueryWeights, () => tf.Tensor>;
}

function nonlinear(z: tf.Tensor2D, critical: tf.Tensor1D, weights: QueryWeights): ScoresOf {
  const { first, firstBias, second, secondBias } = weights as QueryWeights & { second: tf.Tensor2D };
  const scale = 1 / Math.sqrt(second.shape[0]);
  const hidden: tf.Tensor2D = tf.relu(affine(z, first, firstBias));
  const query: tf.Tensor2D = tf.tanh(affine(hidden, second, secondBias));
  const chosen: tf.Tensor2D = tf.gather(query, critical);
  return {
    value: tf.matMul(tf.mul<tf.Tensor2D>(chosen, scale), query, false, true),
    save: [z, first, second, hidden, query, chosen, critical],
    gradient: (dy, saved) => {
      const [x, w1, w2, h, q, top, at] = saved as [Matrix, Matrix, Matrix, Matrix, Matrix, Matrix, tf.Tensor];
      const dScores: tf.Tensor2D = tf.mul(dy, scale);
      // Every query is one side of the product, a critical one the other side too.
      const dQuery: tf.Tensor2D = tf.matMul(
        tf.concat([dScores, oneHot(at, x.shape[0])]),
        tf.concat([top, tf.matMul(dScores, q)]),
        true,
      );
      const dSecond: tf.Tensor2D = tanhGradient(dQuery, q);
      const dFirst = reluGradient<tf.Tensor2D>(tf.matMul(dSecond, w2), h);
      return {
        instances: () => tf.matMul(dFirst, w1),
        first: () => tf.matMul(dFirst, x, true),
        firstBias: () => columnSums(dFirst),
        second: () => tf.matMul(dSecond, h, true),
        secondBias: () => columnSums(dSecond),
      };
    },
  };
}

function folded(z: tf.Tensor2D, critical: tf.Tensor1D, { first, firstBias }: QueryWeights): ScoresOf {
  const scale = 1 / Math.sqrt(first.shape[0]);
  const chosen: tf.Tensor2D = tf.gather(z, critical);
  const query: tf.Tensor2D = tf.mul(affine(chosen, first, firstBias), scale);
  const direction: tf.Tensor2D = tf.matMul(query, first);
  return {
    value: tf.matMul(direction, z, false, true),
    save: [z, first, chosen, query, direction, critical],
    gradient: (dy, saved) => {
      const [x, w, top, q, towards, at] = saved as [Matrix, Matrix, Matrix, Matrix, Matrix, tf.Tensor];
      const dDirection: tf.Tensor2D = tf.matMul(dy, x);
      const dQuery: tf.Tensor2D = tf.mul(tf.matMul(dDirection, w, false, true), scale);
      return {
        instances: () =>
          tf.matMul(tf.concat([dy, oneHot(at, x.shape[0])]), tf.concat([towards, tf.matMul(dQuery, w)]), true),
        first: () => tf.add(tf.matMul(q, dDirection, true), tf.matMul(dQuery, top, true)),
        firstBias: () => tf.sum(dQuery, 0),
        second: () => tf.zeros([0]),
        secondBias: () => tf.zeros([0]),
      };
    },
  };
}

type Matrix = tf.Tensor2D;

/** [c] → [c, n] with a 1 at each index; tfjs' own wants n ≥ 2. */
function oneHot(indices: tf.Tensor, n: number): tf.Tensor2D {
  const places = tf.equal(tf.reshape(indices, [-1, 1]), tf.range(0, n, 1, 'int32'));
  return tf.cast(places, 'float32') as tf.Tensor2D;
}
