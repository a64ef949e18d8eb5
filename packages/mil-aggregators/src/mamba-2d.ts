import * as tf from '@tensorflow/tfjs';
import {
  featureLayer,
  LayerNorm,
  Linear,
  MhimError,
  Module,
  unitUniform,
  xavierNormal,
  zeros,
  type ActivationName,
  type Rng,
} from '@mhim/tensor';
import { Aggregator, type Aggregation, type AggregatorCall, type Positions } from './aggregator.js';
import { AttentionPooling } from './attention-pooling.js';
import { gridCells, squarePositions } from './grid-cells.js';
import { MambaBlock } from './mamba-block.js';

export interface Mamba2DConfig {
  /** Width of the raw features. */
  inputDim: number;
  /** Default 2. */
  classes?: number;
  /** Width d of instances and cells, default 128. */
  embedDim?: number;
  /** Mamba blocks, default 1. */
  layers?: number;
  /** Numbers of state for each inner channel, default 16. */
  states?: number;
  /** After the feature layer, default `gelu`. */
  activation?: ActivationName;
  /** After the feature layer and activation, default 0.25. */
  dropout?: number;
  /** Width of the attention's hidden layer, default 128. */
  attentionDim?: number;
  /** What empty cells hold: a row that is learned (default), or zeros. */
  padToken?: 'trainable' | 'zero';
  /**
   * Columns and rows of the grid. 0 (default) takes them from the bag's positions; the official code has fixed ones, by data set,
   * that hold its largest slide. Empty cells take part in everything, so the two give different numbers.
   */
  gridWidth?: number;
  gridHeight?: number;
}

/** What pooling a grid gives. */
export interface GridAggregation extends Aggregation {
  /** The cells after blocks and norm, row by row, [cells, d]. */
  cells: tf.Tensor2D;
  /** Attention of all cells, [1, cells]; {@link Aggregation.attention} is that of the instances' cells, the rest went to empty ones. */
  cellAttention: tf.Tensor2D;
  /** The cell of each instance, [n], int32. */
  cellOf: tf.Tensor1D;
}

/**
 * 2DMamba (Zhang et al. 2025), as MHIM-v2 compares with it: instances on their patch grid, empty cells filled with one pad
 * token, Mamba blocks with a two-dimensional scan, attention pooling over all cells, linear classifier.
 *
 * The call's `positions` say where the instances lie; without them the bag is laid out row by row on a square. Of several
 * instances in one cell the last one fills it.
 *
 * What is computed from a cell alone before cells meet (norm and in-projection of the first block, and its gate) is computed
 * once for all empty cells, which is exact. From the convolution on every cell depends on those before it, so from there empty
 * cells cost what others do: a grid as small as the positions allow is the fast one.
 */
export class Mamba2D extends Aggregator {
  readonly inputDim: number;
  readonly embedDim: number;
  readonly classes: number;
  readonly config: Required<Mamba2DConfig>;
  override readonly featurePrefix = '_fc1.';
  private readonly feature: Linear;
  private readonly norm: LayerNorm;
  private readonly blocks: Blocks;
  private readonly pooling: AttentionPooling;
  private readonly classifier: Linear;

  constructor(config: Mamba2DConfig, rng: Rng) {
    super();
    const c = (this.config = { ...mamba2DDefaults, ...config });
    this.inputDim = c.inputDim;
    this.embedDim = c.embedDim;
    this.classes = c.classes;
    const weightInit = xavierNormal;
    this.feature = this.child('_fc1.0', new Linear(c.inputDim, c.embedDim, rng, { weightInit }));
    this.norm = this.child('norm', new LayerNorm(c.embedDim));
    this.blocks = this.child('layers', new Blocks(c, rng));
    this.pooling = this.child(
      '',
      new AttentionPooling(
        {
          dim: c.embedDim,
          attentionDim: c.attentionDim,
          gated: false,
          activation: 'tanh',
          bias: true,
          dropout: 0,
          names: { hidden: 'attention.0', gate: '', score: 'attention.2' },
        },
        rng,
      ),
    );
    this.classifier = this.child('classifier', new Linear(c.embedDim, c.classes, rng, { weightInit }));
  }

  override get usesPositions(): boolean {
    return true;
  }

  embed(features: tf.Tensor2D, call: AggregatorCall = {}): tf.Tensor2D {
    const { activation, dropout: rate } = this.config;
    return featureLayer(features, this.feature.weight, this.feature.bias, { activation, dropout: rate }, call);
  }

  aggregate(instances: tf.Tensor2D, call: AggregatorCall = {}): GridAggregation {
    const count = instances.shape[0];
    const grid = gridCells(this.onGrid(call.positions ?? squarePositions(count)), count);
    const rows: tf.Tensor2D = tf.concat([instances, tf.reshape(this.blocks.padToken, [1, -1])]);
    let cells = rows;
    this.blocks.blocks.forEach((block, i) => {
      cells = block.forward(cells, grid, i === 0 ? grid : undefined, call);
    });
    cells = this.norm.forward(cells);
    const { embedding, attention: cellAttention } = this.pooling.forward(cells);
    const cellOf = tf.tensor1d(grid.cellOf, 'int32');
    return { embedding, attention: tf.gather(cellAttention, cellOf, 1), cells, cellAttention, cellOf };
  }

  classify({ embedding }: Aggregation): tf.Tensor2D {
    return this.classifier.forward(embedding);
  }

  /** W·(aᵢ zᵢ) for the cell zᵢ of each instance after the blocks, without the classifier's bias (as for AB-MIL). */
  instanceLogits(_instances: tf.Tensor2D, { attention, cells, cellOf }: GridAggregation): tf.Tensor2D {
    const logits = tf.matMul(tf.gather(cells, cellOf), this.classifier.weight, false, true);
    return tf.mul(logits, tf.reshape(attention as tf.Tensor2D, [-1, 1]));
  }

  /** Unnormalised attention of cells after the blocks, [cells, d] → [1, cells]. */
  attentionScores(cells: tf.Tensor2D): tf.Tensor2D {
    return this.pooling.scores(cells);
  }

  private onGrid({ xy, width, height }: Positions): Positions {
    const { gridWidth, gridHeight } = this.config;
    return { xy, width: gridWidth || width, height: gridHeight || height };
  }
}

export const mamba2DDefaults = {
  classes: 2,
  embedDim: 128,
  layers: 1,
  states: 16,
  activation: 'gelu',
  dropout: 0.25,
  attentionDim: 128,
  padToken: 'trainable',
  gridWidth: 0,
  gridHeight: 0,
} as const;

/** The blocks and the row that fills empty cells, under their official names. */
class Blocks extends Module {
  readonly padToken: tf.Variable<tf.Rank.R1>;
  readonly blocks: readonly MambaBlock[];

  constructor({ embedDim, layers, states, padToken }: Required<Mamba2DConfig>, rng: Rng) {
    super();
    if (!(layers >= 1)) {
      throw new MhimError(`expected at least one layer, got ${layers}.`, { code: 'config', path: 'layers' });
    }
    const learned = padToken === 'trainable';
    this.padToken = this.parameter('pad_token', (learned ? unitUniform : zeros)<tf.Rank.R1>([embedDim], rng), learned);
    this.blocks = Array.from({ length: layers }, (_, i) =>
      this.child(`layers.${i}`, new MambaBlock({ dim: embedDim, states }, rng)),
    );
  }
}
