import * as tf from '@tensorflow/tfjs';
import { columnSums, differentiable, reluGradient, tanhGradient } from '@mhim/tensor';
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
  /** [heads, D] and [heads] */
  score: tf.Tensor2D;
  scoreBias?: tf.Tensor1D;
}

/**
 * Attention pooling (Ilse et al. 2018 eq. 7–9), with one pooled vector a head, as one node of the tape. Hidden layer and
 * gate are one product; their gradients [dh | dg | a] meet the instances in another, [dh | dg | a]·[W; V; dF], instead of
 * one for each and one for the pooled vectors.
 * @param instances [n, d]
 * @param mask of dropout on the hidden layer, times that of the gate, [n, D]
 * @param groups added to the scores of a single head, [g, n]: 0, or −10³⁰ where an instance is no part of a group; g groups
 *   are then pooled in one pass
 * @returns embedding F [heads, d] and attention a [heads, n], a row a group where there are groups
 */
export function attentionPool(
  instances: tf.Tensor2D,
  weights: AttentionWeights,
  activation: PoolActivation,
  mask?: tf.Tensor2D,
  groups?: tf.Tensor2D,
): { embedding: tf.Tensor2D; attention: tf.Tensor2D } {
  const { hidden, gate, score, scoreBias } = weights;
  const given = Object.keys(weights) as (keyof AttentionWeights)[];
  const names = given.filter((name) => weights[name]);
  const pool = differentiable((z: tf.Tensor2D, ..._parameters: tf.Tensor[]) => {
    const projection = gate ? tf.concat([hidden, gate]) : hidden;
    const before = affine(z, projection, stackedBias(weights));
    const [left, right] = gate ? (tf.split(before, 2, 1) as [tf.Tensor2D, tf.Tensor2D]) : [before];
    const value = activated(left, activation);
    const open: tf.Tensor2D | undefined = right && tf.sigmoid(right);
    // What the hidden value is multiplied by: gate, mask or both.
    const factor = open && mask ? (tf.mul(open, mask) as tf.Tensor2D) : (open ?? mask);
    const joint: tf.Tensor2D = factor ? tf.mul(value, factor) : value;
    const product: tf.Tensor2D = tf.matMul(score, joint, false, true);
    const logits: tf.Tensor2D = scoreBias ? tf.add(product, tf.reshape(scoreBias, [-1, 1])) : product;
    const attention = tf.softmax(groups ? tf.add<tf.Tensor2D>(logits, groups) : logits);
    return {
      value: [tf.matMul(attention, z), attention] as tf.Tensor[],
      save: [z, projection, score, value, joint, attention, ...(factor ? [factor] : []), ...(open ? [open] : [])],
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
  saved: tf.Tensor2D[],
  activation: PoolActivation,
): Record<'instances' | keyof AttentionWeights, () => tf.Tensor> {
  const [z, projection, score, h, joint, a, factor, open] = saved as Saved;
  const dF = dEmbedding as Matrix;
  const da = tf.add(tf.matMul(dF, z, false, true), dAttention as Matrix);
  const each: Matrix = tf.mul(a, tf.sub(da, tf.sum(tf.mul(a, da), 1, true)));
  // Groups share a head.
  const ds: Matrix = a.shape[0] === score.shape[0] ? each : tf.sum(each, 0, true);
  const dJoint: Matrix = tf.matMul(ds, score, true);
  const dValue: Matrix = factor ? tf.mul(dJoint, factor) : dJoint;
  const dHidden = activation === 'tanh' ? tanhGradient(dValue, h) : reluGradient(dValue, h);
  // σ′ = σ(1 − σ), and joint holds the σ and everything else that the gate is multiplied by.
  const dGate = open && (tf.mul(tf.mul(dJoint, joint), tf.sub(1, open)) as Matrix);
  const joined = tf.concat([dHidden, ...(dGate ? [dGate] : []), tf.transpose(a) as Matrix], 1);
  const width = dHidden.shape[1];
  // The last rows of the product, those of the attention, are not needed; cutting them off first would cost a copy.
  const dProjection: Matrix = tf.matMul(joined, z, true);
  const rows = (start: number) => tf.slice(dProjection, [start, 0], [width, -1]);
  return {
    instances: () => tf.matMul(joined, tf.concat([projection, dF])),
    hidden: () => rows(0),
    hiddenBias: () => columnSums(dHidden),
    gate: () => rows(width),
    gateBias: () => columnSums(dGate as Matrix),
    score: () => tf.matMul(ds, joint),
    // Softmax does not see what it adds to every score.
    scoreBias: () => tf.zeros([score.shape[0]]),
  };
}

type Matrix = tf.Tensor2D;
type Saved = [
  instances: Matrix,
  projection: Matrix,
  score: Matrix,
  value: Matrix,
  joint: Matrix,
  attention: Matrix,
  factor?: Matrix,
  gate?: Matrix,
];

function stackedBias({ hiddenBias, gate, gateBias }: AttentionWeights): tf.Tensor1D | undefined {
  if (!gate || (!hiddenBias && !gateBias)) return hiddenBias;
  const zeros = tf.zeros([gate.shape[0]]) as tf.Tensor1D;
  return tf.concat([hiddenBias ?? zeros, gateBias ?? zeros]);
}

function activated(x: tf.Tensor2D, activation: PoolActivation): tf.Tensor2D {
  return activation === 'tanh' ? tf.tanh(x) : tf.relu(x);
}
