import * as tf from '@tensorflow/tfjs';
import { differentiable } from '@mhim/tensor';
import { affine } from './affine.js';

/** Activations whose derivative follows from their value, which saves keeping their input. */
export type PoolActivation = 'tanh' | 'relu';

export interface AttentionWeights {
  /** [D, d] and [D] */
  hidden: tf.Tensor2D;
  hiddenBias?: tf.Tensor1D;
  /** [D, d] and [D], for gated attention */
  gate?: tf.Tensor2D;
  gateBias?: tf.Tensor1D;
  /** [1, D] and [1] */
  score: tf.Tensor2D;
  scoreBias?: tf.Tensor1D;
}

/**
 * Attention pooling (Ilse et al. 2018 eq. 7–9) as one node of the tape. Its gradient reaches the instances by a single
 * product, [dh | aᵀ]·[W; dF], instead of one for the scores, one for the pooled vector and their sum.
 * @param instances [n, d]
 * @param mask [g, n], added to the scores: 0, or −10³⁰ where an instance is no part of a group. Pools g groups in one pass;
 *   without it all instances are one group
 * @returns embeddings F [g, d] and attention a [g, n]
 */
export function attentionPool(
  instances: tf.Tensor2D,
  weights: AttentionWeights,
  activation: PoolActivation,
  mask?: tf.Tensor2D,
): { embedding: tf.Tensor2D; attention: tf.Tensor2D } {
  const { hidden, hiddenBias, gate, gateBias, score, scoreBias } = weights;
  const given = { hidden, score, hiddenBias, gate, gateBias, scoreBias };
  const names = Object.keys(given).filter(
    (name) => given[name as keyof AttentionWeights],
  ) as (keyof AttentionWeights)[];
  const pool = differentiable((z: tf.Tensor2D, ..._parameters: tf.Tensor[]) => {
    const value = activated(affine(z, hidden, hiddenBias), activation);
    const open: tf.Tensor2D | undefined = gate && tf.sigmoid(affine(z, gate, gateBias));
    const joint: tf.Tensor2D = open ? tf.mul(value, open) : value;
    const product: tf.Tensor2D = tf.matMul(score, joint, false, true);
    const logits: tf.Tensor2D = scoreBias ? tf.add(product, scoreBias) : product;
    const attention = tf.softmax(mask ? tf.add<tf.Tensor2D>(logits, mask) : logits);
    const save = [z, hidden, score, value, joint, attention, ...(gate && open ? [gate, open] : [])];
    return {
      value: [tf.matMul(attention, z), attention] as tf.Tensor[],
      save,
      gradient: (upstream, saved) => {
        const gradients = backward(upstream as tf.Tensor2D[], saved as tf.Tensor2D[], activation);
        return [gradients.instances, ...names.map((name) => gradients[name])];
      },
    };
  });
  const [embedding, attention] = pool(instances, ...names.map((name) => weights[name] as tf.Tensor)) as tf.Tensor2D[];
  return { embedding: embedding as tf.Tensor2D, attention: attention as tf.Tensor2D };
}

function backward(
  [dEmbedding, dAttention]: tf.Tensor2D[],
  [z, hidden, score, value, joint, attention, gate, open]: tf.Tensor2D[],
  activation: PoolActivation,
): Record<'instances' | keyof AttentionWeights, () => tf.Tensor> {
  const [dF, a, h] = [dEmbedding, attention, value] as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D];
  const da = tf.add(tf.matMul(dF, z as tf.Tensor2D, false, true), dAttention as tf.Tensor2D);
  const each: tf.Tensor2D = tf.mul(a, tf.sub(da, tf.sum(tf.mul(a, da), 1, true)));
  const ds: tf.Tensor2D = a.shape[0] === 1 ? each : tf.sum(each, 0, true);
  const column: tf.Tensor2D = tf.reshape(ds, [-1, 1]);
  const dJoint: tf.Tensor2D = tf.mul(column, score as tf.Tensor2D);
  const dHidden = tf.mul(open ? tf.mul(dJoint, open) : dJoint, derivative(h, activation)) as tf.Tensor2D;
  const dGate = open && (tf.mul(tf.mul(dJoint, h), tf.mul(open, tf.sub(1, open))) as tf.Tensor2D);
  const left = [dHidden, ...(dGate ? [dGate] : []), tf.transpose(a)];
  const right = [hidden as tf.Tensor2D, ...(dGate ? [gate as tf.Tensor2D] : []), dF];
  return {
    instances: () => tf.matMul(tf.concat(left, 1), tf.concat(right, 0)),
    hidden: () => tf.matMul(dHidden, z as tf.Tensor2D, true),
    hiddenBias: () => tf.sum(dHidden, 0),
    gate: () => tf.matMul(dGate as tf.Tensor2D, z as tf.Tensor2D, true),
    gateBias: () => tf.sum(dGate as tf.Tensor2D, 0),
    score: () => tf.matMul(ds, joint as tf.Tensor2D),
    // Softmax does not see what it adds to every score.
    scoreBias: () => tf.zeros([1]),
  };
}

function activated(x: tf.Tensor2D, activation: PoolActivation): tf.Tensor2D {
  return activation === 'tanh' ? tf.tanh(x) : tf.relu(x);
}

/** The activation's derivative by its value. */
function derivative(value: tf.Tensor2D, activation: PoolActivation): tf.Tensor {
  return activation === 'tanh' ? tf.sub(1, tf.square(value)) : tf.cast(tf.greater(value, 0), 'float32');
}
