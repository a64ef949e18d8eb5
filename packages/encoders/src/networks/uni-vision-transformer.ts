import * as tf from '@tensorflow/tfjs';
import { gelu, LayerNorm, Linear, MhimError, Module, normal, Rng, torchWeight, zeros } from '@mhim/tensor';
import { attend, classTokenOf, rowsOf, withClassToken } from '../layers/attention.js';
import { Convolution } from '../layers/convolution.js';
import { inTurn, type Tap } from '../layers/in-turn.js';
import { resamplePositions } from './resample-positions.js';

export interface VisionTransformerConfig {
  /** Side of the image that the table of positions is for. */
  imageSize?: number;
  patchSize?: number;
  dim?: number;
  depth?: number;
  heads?: number;
  mlpDim?: number;
}

export const uniDefaults = {
  imageSize: 224,
  patchSize: 16,
  dim: 1024,
  depth: 24,
  heads: 16,
  mlpDim: 4096,
} as const satisfies Required<VisionTransformerConfig>;

const EPSILON = 1e-6;

/**
 * UNI: ViT-L/16 with LayerScale (Chen et al. 2024; Dosovitskiy et al. 2021), by timm's names; the feature is the class token behind
 * the last norm, 1,024 values. Images of another size get a resampled table of positions.
 */
export class UniVisionTransformer extends Module {
  readonly width: number;
  private readonly patchSize: number;
  private readonly classToken: tf.Variable<tf.Rank.R3>;
  private readonly positions: tf.Variable<tf.Rank.R3>;
  private readonly patches: Convolution;
  private readonly blocks: Block[];
  private readonly norm: LayerNorm;

  /** @param rng for initial values; zeros without, to be loaded */
  constructor(config: VisionTransformerConfig = {}, rng?: Rng) {
    super();
    const { imageSize, patchSize, dim, depth, heads, mlpDim } = { ...uniDefaults, ...config };
    this.width = dim;
    this.patchSize = patchSize;
    const tokens = 1 + (imageSize / patchSize) ** 2;
    const draw = rng ? normal(0.02) : zeros;
    this.classToken = this.parameter('cls_token', draw<tf.Rank.R3>([1, 1, dim], rng as Rng));
    this.positions = this.parameter('pos_embed', draw<tf.Rank.R3>([1, tokens, dim], rng as Rng));
    const options = { stride: patchSize, bias: true };
    this.patches = this.child('patch_embed.proj', new Convolution(3, dim, patchSize, options, rng));
    this.blocks = Array.from({ length: depth }, (_, i) =>
      this.child(`blocks.${i}`, new Block(dim, heads, mlpDim, rng)),
    );
    this.norm = this.child('norm', new LayerNorm(dim, { epsilon: EPSILON }));
  }

  /**
   * Normalised images [n, h, w, 3] → [n, width]; taps `pos_embed_resampled`, `tokens`, `block0` …, `last_block`.
   * @throws MhimError `shape` unless the sides are multiples of the patch
   */
  forward(images: tf.Tensor4D, tap?: Tap): tf.Tensor2D {
    return tf.tidy(() => {
      const tokens = this.embed(images, tap);
      const shape = tokens.shape;
      const steps = this.blocks.map((block, i) => ({
        name: `block${i}`,
        run: (x: tf.Tensor3D) => tf.reshape<tf.Rank.R3>(block.forward(rowsOf(x), shape[0]), shape) as tf.Tensor3D,
      }));
      const last = inTurn<tf.Tensor3D>(tokens, steps, tap);
      tap?.('last_block', last);
      return this.norm.forward(classTokenOf(last));
    });
  }

  private embed(images: tf.Tensor4D, tap?: Tap): tf.Tensor3D {
    const [n, height, width] = images.shape;
    if (height % this.patchSize !== 0 || width % this.patchSize !== 0) {
      throw new MhimError(`images of ${width}×${height} pixels cannot be cut into patches of ${this.patchSize}.`, {
        code: 'shape',
        hint: 'Use a preprocessing with a centre crop, such as "trident".',
      });
    }
    return tf.tidy(() => {
      const grid = this.patches.forward(images);
      const patches = tf.reshape(grid, [n, -1, this.width]) as tf.Tensor3D;
      const table = tf.squeeze<tf.Tensor2D>(this.positions, [0]);
      const positions = resamplePositions(table, grid.shape[1], grid.shape[2]);
      tap?.('pos_embed_resampled', positions);
      const tokens: tf.Tensor3D = tf.add(withClassToken(patches, tf.reshape(this.classToken, [-1])), positions);
      tap?.('tokens', tokens);
      return tokens;
    });
  }
}

/** Pre-norm block; each branch is scaled channel by channel before it is added (Touvron et al. 2021 eq. 5). */
class Block extends Module {
  private readonly attentionNorm: LayerNorm;
  private readonly queryKeyValue: Linear;
  private readonly project: Linear;
  private readonly attentionScale: LayerScale;
  private readonly mlpNorm: LayerNorm;
  private readonly widen: Linear;
  private readonly narrow: Linear;
  private readonly mlpScale: LayerScale;

  constructor(
    dim: number,
    private readonly heads: number,
    mlpDim: number,
    rng?: Rng,
  ) {
    super();
    const linear = (from: number, to: number) =>
      new Linear(from, to, rng ?? new Rng(0), { weightInit: rng ? torchWeight : zeros });
    this.attentionNorm = this.child('norm1', new LayerNorm(dim, { epsilon: EPSILON }));
    this.queryKeyValue = this.child('attn.qkv', linear(dim, 3 * dim));
    this.project = this.child('attn.proj', linear(dim, dim));
    this.attentionScale = this.child('ls1', new LayerScale(dim));
    this.mlpNorm = this.child('norm2', new LayerNorm(dim, { epsilon: EPSILON }));
    this.widen = this.child('mlp.fc1', linear(dim, mlpDim));
    this.narrow = this.child('mlp.fc2', linear(mlpDim, dim));
    this.mlpScale = this.child('ls2', new LayerScale(dim));
  }

  /** x [n·t, d] → [n·t, d] */
  forward(x: tf.Tensor2D, images: number): tf.Tensor2D {
    const attended = tf.tidy(() => {
      const mixed = this.attend(this.attentionNorm.forward(x), images);
      return tf.add<tf.Tensor2D>(x, this.attentionScale.forward(this.project.forward(mixed)));
    });
    const inner = tf.tidy(() => gelu(this.widen.forward(this.mlpNorm.forward(attended))) as tf.Tensor2D);
    return tf.add<tf.Tensor2D>(attended, this.mlpScale.forward(this.narrow.forward(inner)));
  }

  private attend(x: tf.Tensor2D, images: number): tf.Tensor2D {
    const [rows, dim] = x.shape;
    const width = dim / this.heads;
    const split = tf.reshape(this.queryKeyValue.forward(x), [images, rows / images, 3, this.heads, width]);
    const [queries, keys, values] = tf.unstack(tf.transpose(split, [2, 0, 3, 1, 4])) as tf.Tensor4D[];
    return attend(tf.mul(queries as tf.Tensor4D, width ** -0.5), keys as tf.Tensor4D, values as tf.Tensor4D);
  }
}

class LayerScale extends Module {
  private readonly gamma: tf.Variable<tf.Rank.R1>;

  constructor(dim: number) {
    super();
    this.gamma = this.parameter('gamma', tf.ones([dim]) as tf.Tensor1D);
  }

  forward(x: tf.Tensor2D): tf.Tensor2D {
    return tf.mul(x, this.gamma);
  }
}
