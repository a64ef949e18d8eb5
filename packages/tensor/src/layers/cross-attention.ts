import * as tf from '@tensorflow/tfjs';
import { torchWeight, type Initialiser } from '../initialisers.js';
import { Module, type Call } from '../module.js';
import type { Rng } from '../rng.js';
import { dropout } from './dropout.js';
import { Linear } from './linear.js';

export interface CrossAttentionConfig {
  /** Width d of queries, keys and result. */
  dim: number;
  /** Default 8. */
  heads?: number;
  /** Width of one head, default 64 whatever `dim` is. */
  headDim?: number;
  /** On the attention and on the result, default 0.1. */
  dropout?: number;
  weightInit?: Initialiser;
}

/**
 * Multi-head cross-attention (Vaswani et al. 2017 §3.2.2; "MCA" of MHIM-v2 eq. 10). Query, key and value projections
 * have no bias. State: `to_q.weight` [h·w, d], `to_kv.weight` [2·h·w, d] (keys first), `to_out.0.weight` [d, h·w], `to_out.0.bias`;
 * a single head of width d has no output projection, nor dropout after it.
 */
export class CrossAttention extends Module {
  readonly heads: number;
  readonly headDim: number;
  readonly dropout: number;
  readonly toKeyValue: Linear;
  readonly toQuery: Linear;
  readonly toOut?: Linear;

  constructor(
    { dim, heads = 8, headDim = 64, dropout = 0.1, weightInit = torchWeight }: CrossAttentionConfig,
    rng: Rng,
  ) {
    super();
    this.heads = heads;
    this.headDim = headDim;
    this.dropout = dropout;
    const inner = heads * headDim;
    this.toKeyValue = this.child('to_kv', new Linear(dim, 2 * inner, rng, { bias: false, weightInit }));
    this.toQuery = this.child('to_q', new Linear(dim, inner, rng, { bias: false, weightInit }));
    if (heads !== 1 || headDim !== dim) {
      this.toOut = this.child('to_out.0', new Linear(inner, dim, rng, { weightInit }));
    }
  }

  /**
   * The textbook form, every instance projected to a key and a value.
   * @param query [k, d]
   * @param instances [n, d]
   * @returns [k, d]
   */
  forward(query: tf.Tensor2D, instances: tf.Tensor2D, call: Call = {}): tf.Tensor2D {
    const [keys, values] = tf.split(this.toKeyValue.forward(instances), 2, 1) as [tf.Tensor2D, tf.Tensor2D];
    const attention = dropout(this.weights(query, keys), this.dropout, call);
    const context = tf.transpose(tf.matMul(attention, this.perHead(values)), [1, 0, 2]);
    return this.project(tf.reshape(context, [query.shape[0], this.heads * this.headDim]), call);
  }

  /** The attention of each head without dropout: query [k, d], instances [n, d] → [h, k, n]. */
  attention(query: tf.Tensor2D, instances: tf.Tensor2D): tf.Tensor3D {
    return this.weights(query, tf.split(this.toKeyValue.forward(instances), 2, 1)[0] as tf.Tensor2D);
  }

  /** The output projection with its dropout: context [k, h·w] → [k, d]. */
  project(context: tf.Tensor2D, call: Call): tf.Tensor2D {
    return this.toOut ? dropout(this.toOut.forward(context), this.dropout, call) : context;
  }

  private weights(query: tf.Tensor2D, keys: tf.Tensor2D): tf.Tensor3D {
    const q = this.perHead(tf.mul(this.toQuery.forward(query), this.headDim ** -0.5));
    const logits: tf.Tensor3D = tf.matMul(q, this.perHead(keys), false, true);
    return tf.softmax(logits);
  }

  /** [rows, h·w] → [h, rows, w] */
  private perHead(x: tf.Tensor2D): tf.Tensor3D {
    return tf.transpose(tf.reshape(x, [x.shape[0], this.heads, this.headDim]), [1, 0, 2]);
  }
}
