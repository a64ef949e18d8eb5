import * as tf from '@tensorflow/tfjs';
import {
  CrossAttention,
  LayerNorm,
  MhimError,
  Module,
  takeRows,
  xavierNormal,
  uniform,
  type Call,
  type Initialiser,
  type Rng,
} from '@mhim/tensor';
import { queryMovedInPlace } from './query-moved-in-place.js';
import { standardisedAttention } from './standardised-attention.js';

export interface RecycleNetworkConfig {
  /** Width d of the instances. */
  dim: number;
  /** Number K of global queries, hence of recycled instances. Default 5. */
  queries?: number;
  /** Default 8. */
  heads?: number;
  /** Width of one head, default 64 whatever `dim` is. */
  headDim?: number;
  /** On the attention and on the result, default 0.1. */
  dropout?: number;
  /** λq, the momentum of the global query. Default 0.9999. */
  queryMomentum?: number;
  /**
   * How instances become keys and values. `folded` (default) folds the projections into the K queries, which gives the
   * same result with about 512/(2K) times less work; `direct` projects every instance, as the definition reads.
   */
  form?: 'folded' | 'direct';
  /**
   * Gives the norm's weight, while training, the gradient of the official code, which moves the global query before the
   * backward pass has used it (a relative difference of about 1 − λq). Default false: the gradient of the definition.
   */
  officialGradient?: boolean;
  weightInit?: Initialiser;
}

/**
 * The Global Recycle Network (MHIM-v2 §3.4, eq. 10–11): K global queries attend to the randomly masked instances and bring
 * back K instances that stand for them. Queries and instances share one LayerNorm; there is no residual.
 *
 * The global query is moved by {@link updateQuery}, never by a gradient. State: `norm.*`, `attn.*` and `global_q_mm` [1, K, d]
 * (also under its alias `global_q`).
 */
export class RecycleNetwork extends Module {
  readonly config: Required<RecycleNetworkConfig>;
  readonly globalQuery: tf.Variable<tf.Rank.R3>;
  readonly norm: LayerNorm;
  readonly attention: CrossAttention;

  constructor(config: RecycleNetworkConfig, rng: Rng) {
    super();
    const c = (this.config = { ...defaults, ...config });
    // The bound of the official code, which takes the query for a patch embedding of a 16×16 RGB patch.
    const bound = Math.sqrt(6 / (3 * 16 * 16 + c.dim));
    this.globalQuery = this.parameter('global_q_mm', uniform(bound)<tf.Rank.R3>([1, c.queries, c.dim], rng), false);
    this.alias('global_q', 'global_q_mm');
    this.norm = this.child('norm', new LayerNorm(c.dim));
    this.attention = this.child('attn', new CrossAttention(c, rng));
  }

  /**
   * Recycles masked instances, MCA(Q_G, Ẑ_m).
   * @param instances [n, d]
   * @param masked which of them to recycle, distinct indices; all when not given
   * @returns [K, d]
   */
  forward(instances: tf.Tensor2D, call: Call = {}, masked?: Int32Array): tf.Tensor2D {
    const { dim, queries, queryMomentum, officialGradient } = this.config;
    if ((masked?.length ?? instances.shape[0]) === 0) {
      throw new MhimError('there are no masked instances to recycle.', { code: 'shape' });
    }
    const query: tf.Tensor2D = tf.reshape(this.globalQuery, [queries, dim]);
    if (!officialGradient || !call.training) return this.attend(this.norm.forward(query), instances, call, masked);
    const { normed, mark } = queryMovedInPlace(query, this.norm, queryMomentum);
    return mark(this.attend(normed, instances, call, masked));
  }

  /**
   * The exponential moving average of the global query, Q_G ← λq·Q_G + (1−λq)·Z̃ (MHIM-v2 §3.4).
   * @param recycled this step's {@link forward}, [K, d]
   */
  updateQuery(recycled: tf.Tensor2D): void {
    const { queryMomentum: momentum } = this.config;
    tf.tidy(() => {
      const moved = tf.mul(tf.reshape(recycled, this.globalQuery.shape), 1 - momentum);
      this.globalQuery.assign(tf.add(tf.mul(this.globalQuery, momentum), moved));
    });
  }

  /** LN(Q_G) [K, d] over the masked instances, in either form. */
  private attend(query: tf.Tensor2D, instances: tf.Tensor2D, call: Call, masked?: Int32Array): tf.Tensor2D {
    const [n, m] = [instances.shape[0], masked?.length ?? instances.shape[0]];
    if (this.config.form === 'direct') {
      const rows = masked ? takeRows(instances, masked) : instances;
      return this.attention.forward(query, this.norm.forward(rows), call);
    }
    // Copying most rows out (and their gradients back) costs more than attending to all with the others excluded.
    if (masked && m < n / 2) return this.folded(query, takeRows(instances, masked), call);
    return this.folded(query, instances, call, masked && m < n ? exclusion(n, masked) : undefined);
  }

  /**
   * The same attention without a key or value per instance. With x̂ the standardised instances and LN(x) = γ∘x̂ + β:
   * a query's logits are x̂·(γ∘W_kᵀq) plus a constant that the softmax removes, and its context, Σ aᵢ W_v LN(xᵢ), is
   * W_v·(γ∘Σ aᵢ x̂ᵢ + β Σ aᵢ).
   */
  private folded(query: tf.Tensor2D, instances: tf.Tensor2D, call: Call, exclude?: tf.Tensor2D): tf.Tensor2D {
    const { dim, queries, heads, headDim, dropout } = this.config;
    const { toKeyValue, toQuery } = this.attention;
    const [keyWeight, valueWeight] = tf.split(tf.reshape(toKeyValue.weight, [2 * heads, headDim, dim]), 2) as [
      tf.Tensor3D,
      tf.Tensor3D,
    ];
    const scaled = tf.mul(toQuery.forward(query), headDim ** -0.5);
    const perHead = tf.transpose(tf.reshape(scaled, [queries, heads, headDim]), [1, 0, 2]);
    const probes: tf.Tensor2D = tf.mul(
      tf.reshape(tf.matMul(perHead, keyWeight), [heads * queries, dim]),
      this.norm.weight,
    );
    const { pooled, mass } = standardisedAttention(instances, probes, { dropout, exclude }, call);
    const normed = tf.add(tf.mul(pooled, this.norm.weight), tf.mul(mass, this.norm.bias as tf.Tensor1D));
    const context = tf.matMul(tf.reshape(normed, [heads, queries, dim]), valueWeight, false, true);
    const joined: tf.Tensor2D = tf.reshape(tf.transpose(context, [1, 0, 2]), [queries, heads * headDim]);
    return this.attention.project(joined, call);
  }
}

/** Added to the logits, it leaves only the `masked` columns: exp(−1e30) is 0. */
function exclusion(n: number, masked: Int32Array): tf.Tensor2D {
  const values = new Float32Array(n).fill(-1e30);
  for (const i of masked) values[i] = 0;
  return tf.tensor2d(values, [1, n]);
}

const defaults = {
  queries: 5,
  heads: 8,
  headDim: 64,
  dropout: 0.1,
  queryMomentum: 0.9999,
  form: 'folded',
  officialGradient: false,
  weightInit: xavierNormal,
} as const;
