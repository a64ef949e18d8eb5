import * as tf from '@tensorflow/tfjs';
import { differentiable } from '@mhim/tensor';
import { convolutionInputGradient, convolutionTapsGradient, convolveTokens } from './token-convolution.js';
import type { TokenGroups } from './token-groups.js';

export interface GroupAttentionWeights {
  /** Queries, keys and values in this order, each head by head: [3·d, d]. */
  qkv: tf.Tensor2D;
  /** [3·d] */
  qkvBias?: tf.Tensor1D;
  /** One filter of k taps (k odd) for each head along the query axis of its attention logits: [h, 1, k, 1]. */
  taps?: tf.Tensor4D;
  /** [h]; softmax does not see it. */
  tapsBias?: tf.Tensor1D;
}

/** Attention logits that one chunk of groups may hold: few enough for a processor's cache. */
const CHUNK_ELEMENTS = 2 ** 22;

/**
 * Multi-head self-attention within groups of tokens as one node of the tape, up to the output projection. Places of the
 * groups that no token takes are tokens of zeros: they attend and are attended to, with the biases for queries, keys and
 * values.
 *
 * The convolution of the logits along the query axis (EPEG, R2T-MIL §3.2) is applied to the queries instead:
 * Σ_τ w_τ (q_{i+τ}·k_j) = (Σ_τ w_τ q_{i+τ})·k_j is the same number for t/64 of the work. Attention maps are made for a
 * chunk of groups at a time, and again for the gradient, so that none outlives its chunk.
 *
 * @param tokens [n, d]
 * @returns [n, d]
 */
export function attendInGroups(
  tokens: tf.Tensor2D,
  weights: GroupAttentionWeights,
  groups: TokenGroups,
  heads: number,
): tf.Tensor2D {
  const { qkv, qkvBias, taps, tapsBias } = weights;
  const optional = { qkvBias, taps, tapsBias };
  const given = (Object.keys(optional) as (keyof typeof optional)[]).filter((name) => optional[name]);
  const attend = differentiable((x: tf.Tensor2D, w: tf.Tensor2D, ..._optional: tf.Tensor[]) => {
    const projected = tf.tidy(() => {
      const product = groups.into(tf.matMul(x, w, false, true));
      return qkvBias ? tf.add<tf.Tensor3D>(product, qkvBias) : product;
    });
    const [bare, keys, values] = tf.split(projected, 3, 2) as [tf.Tensor3D, tf.Tensor3D, tf.Tensor3D];
    const filters = queryFilters(taps, heads, w.shape[1]);
    const attending = [convolveTokens(bare, filters), keys, values].map((part) => splitHeads(part, heads));
    const [context] = byChunks(attending, chunkContext) as [Heads];
    return {
      value: groups.outOf(mergeHeads(context)),
      save: [x, w, bare, filters, ...attending, context],
      gradient: (dy, saved) =>
        tf.tidy(() => {
          const gradients = backward(dy, saved, groups, heads);
          return [gradients.tokens, gradients.qkv, ...given.map((name) => gradients[name]())];
        }),
    };
  });
  return attend(tokens, qkv, ...given.map((name) => optional[name] as tf.Tensor));
}

/** [g, h, t, w] */
type Heads = tf.Tensor4D;

function backward(dy: tf.Tensor2D, saved: tf.Tensor[], groups: TokenGroups, heads: number) {
  const [x, w, bare, filters] = saved as [tf.Tensor2D, tf.Tensor2D, tf.Tensor3D, tf.Tensor2D];
  const [dQueries, dKeys, dValues] = tf.tidy(() => {
    const dContext = splitHeads(groups.into(dy), heads);
    return byChunks([...(saved.slice(4) as Heads[]), dContext], chunkGradients).map(mergeHeads);
  }) as [tf.Tensor3D, tf.Tensor3D, tf.Tensor3D];
  const dProjected = tf.tidy(() => tf.concat([convolutionInputGradient(dQueries, filters), dKeys, dValues], 2));
  const dRows = groups.outOf(dProjected);
  return {
    tokens: tf.matMul(dRows, w),
    qkv: tf.matMul(dRows, x, true),
    qkvBias: () => tf.sum(tf.reshape(dProjected, [-1, w.shape[0]]), 0),
    taps: () => tapsGradient(convolutionTapsGradient(dQueries, bare, filters.shape[0]), heads),
    tapsBias: () => tf.zeros([heads]),
  };
}

/**
 * Filters [k, d] that make the queries that attend of those projected: scaled by 1/√(d/h), plus their convolution where
 * there are taps.
 */
function queryFilters(taps: tf.Tensor4D | undefined, heads: number, dim: number): tf.Tensor2D {
  const scale = (dim / heads) ** -0.5;
  if (!taps) return tf.fill([1, dim], scale);
  const length = taps.shape[2];
  const identity = Array.from({ length }, (_, tap) => Number(tap === length >> 1));
  const byHead = tf.mul(tf.add(tf.reshape(taps, [heads, length]), identity), scale);
  const repeated = tf.tile(tf.reshape(tf.transpose(byHead), [length, heads, 1]), [1, 1, dim / heads]);
  return tf.reshape(repeated, [length, dim]);
}

/** [k, d] → [h, 1, k, 1] */
function tapsGradient(dFilters: tf.Tensor2D, heads: number): tf.Tensor4D {
  const [length, dim] = dFilters.shape;
  const byHead = tf.sum(tf.reshape(dFilters, [length, heads, dim / heads]), 2);
  return tf.reshape(tf.mul(tf.transpose(byHead), (dim / heads) ** -0.5), [heads, 1, length, 1]);
}

function chunkContext([q, k, v]: Heads[]): Heads[] {
  return [tf.matMul(attentionMap(q as Heads, k as Heads), v as Heads)];
}

function chunkGradients(chunk: Heads[]): Heads[] {
  const [q, k, v, context, dContext] = chunk as [Heads, Heads, Heads, Heads, Heads];
  const attention = attentionMap(q, k);
  // Σⱼ aᵢⱼ·daᵢⱼ equals dOᵢ·Oᵢ, a sum over the head's width instead of over the tokens.
  const level = tf.sum(tf.mul(dContext, context), -1, true);
  const dLogits: Heads = tf.mul(attention, tf.sub(tf.matMul(dContext, v, false, true), level));
  return [tf.matMul(dLogits, k), tf.matMul(dLogits, q, true), tf.matMul(attention, dContext, true)];
}

/** [g, h, t, t] */
function attentionMap(q: Heads, k: Heads): tf.Tensor4D {
  return tf.softmax(tf.matMul<Heads>(q, k, false, true));
}

/** Applies `body` to a few groups at a time. */
function byChunks(inputs: Heads[], body: (chunk: Heads[]) => Heads[]): Heads[] {
  const [count, heads, size] = (inputs[0] as Heads).shape;
  const step = Math.max(1, Math.floor(CHUNK_ELEMENTS / (heads * size * size)));
  if (step >= count) return body(inputs);
  const chunks: Heads[][] = [];
  for (let first = 0; first < count; first += step) {
    const part = (x: Heads) => tf.slice(x, [first, 0, 0, 0], [Math.min(step, count - first), -1, -1, -1]);
    chunks.push(tf.tidy(() => body(inputs.map(part))));
  }
  return (chunks[0] as Heads[]).map((_, i) => tf.concat(chunks.map((outputs) => outputs[i] as Heads)));
}

/** [g, t, d] → [g, h, t, d/h] */
function splitHeads(x: tf.Tensor3D, heads: number): Heads {
  const [count, size, dim] = x.shape;
  return tf.transpose(tf.reshape(x, [count, size, heads, dim / heads]), [0, 2, 1, 3]) as Heads;
}

/** [g, h, t, w] → [g, t, h·w] */
function mergeHeads(x: Heads): tf.Tensor3D {
  const [count, heads, size, width] = x.shape;
  return tf.reshape(tf.transpose(x, [0, 2, 1, 3]), [count, size, heads * width]);
}
