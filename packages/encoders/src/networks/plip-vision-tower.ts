import * as tf from '@tensorflow/tfjs';
import { LayerNorm, Linear, MhimError, Module, normal, Rng, torchWeight, zeros } from '@mhim/tensor';
import { attend, classTokenOf, rowsOf, withClassToken } from '../layers/attention.js';
import { Convolution } from '../layers/convolution.js';
import { inTurn, type Tap } from '../layers/in-turn.js';
import type { VisionTransformerConfig } from './uni-vision-transformer.js';

export interface PlipConfig extends VisionTransformerConfig {
  /** Width of the space that images and texts share. */
  projection?: number;
}

export const plipDefaults = {
  imageSize: 224,
  patchSize: 32,
  dim: 768,
  depth: 12,
  heads: 12,
  mlpDim: 3072,
  projection: 512,
} as const satisfies Required<PlipConfig>;

/**
 * The image tower of PLIP, a CLIP ViT-B/32 (Huang et al. 2023; Radford et al. 2021), with its projection, by Hugging Face's names
 * (`pre_layrnorm` is theirs): 512 values, not normalised.
 */
export class PlipVisionTower extends Module {
  readonly width: number;
  private readonly config: Required<PlipConfig>;
  private readonly classToken: tf.Variable<tf.Rank.R1>;
  private readonly positions: tf.Variable<tf.Rank.R2>;
  private readonly patches: Convolution;
  private readonly firstNorm: LayerNorm;
  private readonly layers: EncoderLayer[];
  private readonly lastNorm: LayerNorm;
  private readonly project: Linear;

  /** @param rng for initial values; zeros without, to be loaded */
  constructor(config: PlipConfig = {}, rng?: Rng) {
    super();
    this.config = { ...plipDefaults, ...config };
    const { imageSize, patchSize, dim, depth, heads, mlpDim, projection } = this.config;
    this.width = projection;
    const model = this.child('vision_model', new Level());
    const embeddings = model.level('embeddings');
    const draw = rng ? normal(0.02) : zeros;
    const tokens = 1 + (imageSize / patchSize) ** 2;
    this.classToken = embeddings.value('class_embedding', draw<tf.Rank.R1>([dim], rng as Rng));
    this.patches = embeddings.part('patch_embedding', new Convolution(3, dim, patchSize, { stride: patchSize }, rng));
    this.positions = embeddings.value('position_embedding.weight', draw<tf.Rank.R2>([tokens, dim], rng as Rng));
    // Numbers 0, 1, 2 …, which older versions of the library saved.
    embeddings.pass('position_ids');
    this.firstNorm = model.part('pre_layrnorm', new LayerNorm(dim));
    this.layers = Array.from({ length: depth }, (_, i) =>
      model.part(`encoder.layers.${i}`, new EncoderLayer(dim, heads, mlpDim, rng)),
    );
    this.lastNorm = model.part('post_layernorm', new LayerNorm(dim));
    this.project = this.child('visual_projection', linear(dim, projection, rng, false));
  }

  /**
   * Normalised images [n, size, size, 3] → [n, width]; taps `pre_layrnorm`, `layer1` …, `last_layer`, `pooled`.
   * @throws MhimError `shape` for images of another size
   */
  forward(images: tf.Tensor4D, tap?: Tap): tf.Tensor2D {
    const { imageSize } = this.config;
    const [n, height, width] = images.shape;
    if (height !== imageSize || width !== imageSize) {
      throw new MhimError(`PLIP takes images of ${imageSize}×${imageSize} pixels, got ${width}×${height}.`, {
        code: 'shape',
        hint: 'Use the preprocessing "plip".',
      });
    }
    return tf.tidy(() => {
      const tokens = this.embed(images);
      tap?.('pre_layrnorm', tokens);
      const shape = tokens.shape;
      const steps = this.layers.map((layer, i) => ({
        name: `layer${i + 1}`,
        run: (x: tf.Tensor3D) => tf.reshape<tf.Rank.R3>(layer.forward(rowsOf(x), n), shape) as tf.Tensor3D,
      }));
      const last = inTurn<tf.Tensor3D>(tokens, steps, tap);
      tap?.('last_layer', last);
      const pooled = this.lastNorm.forward(classTokenOf(last));
      tap?.('pooled', pooled);
      return this.project.forward(pooled);
    });
  }

  private embed(images: tf.Tensor4D): tf.Tensor3D {
    return tf.tidy(() => {
      const patches = tf.reshape(this.patches.forward(images), [images.shape[0], -1, this.config.dim]) as tf.Tensor3D;
      const tokens: tf.Tensor3D = tf.add(withClassToken(patches, this.classToken), this.positions);
      return tf.reshape(this.firstNorm.forward(rowsOf(tokens)), tokens.shape);
    });
  }
}

class EncoderLayer extends Module {
  private readonly attentionNorm: LayerNorm;
  private readonly queries: Linear;
  private readonly keys: Linear;
  private readonly values: Linear;
  private readonly out: Linear;
  private readonly mlpNorm: LayerNorm;
  private readonly widen: Linear;
  private readonly narrow: Linear;

  constructor(
    dim: number,
    private readonly heads: number,
    mlpDim: number,
    rng?: Rng,
  ) {
    super();
    this.keys = this.child('self_attn.k_proj', linear(dim, dim, rng));
    this.values = this.child('self_attn.v_proj', linear(dim, dim, rng));
    this.queries = this.child('self_attn.q_proj', linear(dim, dim, rng));
    this.out = this.child('self_attn.out_proj', linear(dim, dim, rng));
    this.attentionNorm = this.child('layer_norm1', new LayerNorm(dim));
    this.widen = this.child('mlp.fc1', linear(dim, mlpDim, rng));
    this.narrow = this.child('mlp.fc2', linear(mlpDim, dim, rng));
    this.mlpNorm = this.child('layer_norm2', new LayerNorm(dim));
  }

  /** x [n·t, d] → [n·t, d] */
  forward(x: tf.Tensor2D, images: number): tf.Tensor2D {
    const attended = tf.tidy(() => {
      const normed = this.attentionNorm.forward(x);
      const scaled: tf.Tensor2D = tf.mul(this.queries.forward(normed), (x.shape[1] / this.heads) ** -0.5);
      const [queries, keys, values] = [scaled, this.keys.forward(normed), this.values.forward(normed)].map((rows) =>
        this.perHead(rows, images),
      ) as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D];
      return tf.add<tf.Tensor2D>(x, this.out.forward(attend(queries, keys, values)));
    });
    const inner = tf.tidy(() => quickGelu(this.widen.forward(this.mlpNorm.forward(attended))));
    return tf.add<tf.Tensor2D>(attended, this.narrow.forward(inner));
  }

  /** [n·t, heads·w] → [n, heads, t, w] */
  private perHead(rows: tf.Tensor2D, images: number): tf.Tensor4D {
    const [count, dim] = rows.shape;
    return tf.transpose(tf.reshape(rows, [images, count / images, this.heads, dim / this.heads]), [0, 2, 1, 3]);
  }
}

/** A level of names without a computation of its own. */
class Level extends Module {
  level(name: string): Level {
    return this.child(name, new Level());
  }

  part<M extends Module>(name: string, module: M): M {
    return this.child(name, module);
  }

  value<R extends tf.Rank>(name: string, value: tf.Tensor<R>): tf.Variable<R> {
    return this.parameter(name, value);
  }

  pass(name: string): void {
    this.skip(name);
  }
}

function linear(from: number, to: number, rng?: Rng, bias = true): Linear {
  return new Linear(from, to, rng ?? new Rng(0), { bias, weightInit: rng ? torchWeight : zeros });
}

/** x·σ(1.702·x), CLIP's approximation of GELU. */
function quickGelu(x: tf.Tensor2D): tf.Tensor2D {
  return tf.mul(x, tf.sigmoid(tf.mul(x, 1.702)));
}
