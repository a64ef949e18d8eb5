import * as tf from '@tensorflow/tfjs';
import { Linear, Module, rmsNorm, torchBias, torchWeight, xavierNormal, type Call, type Rng } from '@mhim/tensor';
import { fillCells, gatherCells, type GridCells } from './grid-cells.js';
import { mambaMixer, type MixerGrid, type MixerWeights } from './mamba-mixer.js';
import type { GridSize } from './scan-2d.js';

export interface MambaBlockConfig {
  /** Width d of the cells. */
  dim: number;
  /** Numbers of state for each inner channel. */
  states: number;
}

/** Inner channels for each channel of a cell. */
const EXPANSION = 2;
/** Taps of the convolution. */
const TAPS = 4;
/** Channels of a cell for each channel of the step size's bottleneck. */
const STEP_REDUCTION = 16;

/**
 * A pre-normalised residual block of Mamba (Gu & Dao 2023 §3.4) with the two-dimensional scan of 2DMamba (Zhang et al. 2025)
 * over the cells of a grid: h + out(scan(SiLU(conv(x)))∘SiLU(z)), [x, z] = in(norm(h)). The convolution runs over the rows of
 * the grid one after the other, from the end of each into the next, as in the official code.
 */
export class MambaBlock extends Module {
  private readonly norm: Weight;
  private readonly mixer: Mixer;

  constructor(config: MambaBlockConfig, rng: Rng) {
    super();
    this.mixer = this.child('mixer', new Mixer(config, rng));
    this.norm = this.child('norm', new Weight(config.dim));
  }

  /**
   * @param rows [rows, d]: one for each different cell
   * @param filling which of them each cell holds; the cells themselves without it
   * @returns [cells, d]
   */
  forward(rows: tf.Tensor2D, grid: GridSize, filling?: GridCells, call: Call = {}): tf.Tensor2D {
    const residual = filling ? fillCells(rows, filling) : rows;
    return tf.add(residual, this.mixer.forward(rmsNorm(rows, this.norm.weight), grid, filling, call));
  }
}

class Mixer extends Module {
  private readonly logDecay: tf.Variable<tf.Rank.R2>;
  private readonly passThrough: tf.Variable<tf.Rank.R1>;
  private readonly input: Linear;
  private readonly kernel: Convolution;
  private readonly selection: Linear;
  private readonly step: Linear;
  private readonly output: Linear;
  private readonly norms: { step: Weight; b: Weight; c: Weight };

  constructor({ dim, states }: MambaBlockConfig, rng: Rng) {
    super();
    const [inner, rank] = [EXPANSION * dim, Math.ceil(dim / STEP_REDUCTION)];
    const [weightInit, bias] = [xavierNormal, false];
    this.logDecay = this.parameter('A_log', logarithms(inner, states));
    this.passThrough = this.parameter('D', tf.ones([inner]) as tf.Tensor1D);
    this.input = this.child('in_proj', new Linear(dim, 2 * inner, rng, { weightInit, bias }));
    this.kernel = this.child('conv1d', new Convolution(inner, rng));
    this.selection = this.child('x_proj', new Linear(inner, rank + 2 * states, rng, { weightInit, bias }));
    this.step = this.child('dt_proj', new Linear(rank, inner, rng, { weightInit }));
    this.output = this.child('out_proj', new Linear(inner, dim, rng, { weightInit, bias }));
    this.norms = {
      step: this.child('dt_layernorm', new Weight(rank)),
      b: this.child('B_layernorm', new Weight(states)),
      c: this.child('C_layernorm', new Weight(states)),
    };
  }

  forward(rows: tf.Tensor2D, { width, height }: GridSize, filling: GridCells | undefined, call: Call): tf.Tensor2D {
    const { norms } = this;
    const weights: MixerWeights = {
      kernel: tf.reshape(this.kernel.weight, [-1, TAPS]),
      kernelBias: this.kernel.bias,
      selection: this.selection.weight,
      stepNorm: norms.step.weight,
      bNorm: norms.b.weight,
      cNorm: norms.c.weight,
      step: this.step.weight,
      stepBias: this.step.bias as tf.Tensor1D,
      logDecay: this.logDecay,
      skip: this.passThrough,
      output: this.output.weight,
    };
    const grid: MixerGrid = {
      width,
      height,
      fill: (each) => (filling ? fillCells(each, filling) : each),
      gather: (dCells) => (filling ? gatherCells(dCells, filling) : dCells),
    };
    return mambaMixer(this.input.forward(rows), weights, grid, { training: call.training });
  }
}

/** ln 1 … ln n in every row: the decays of S4D-real (Gu & Dao 2023 §3.6). */
function logarithms(rows: number, states: number): tf.Tensor2D {
  return tf.tidy(() => tf.tile(tf.reshape(tf.log(tf.range(1, states + 1)), [1, states]), [rows, 1]));
}

/** The weight of a root mean square norm. */
class Weight extends Module {
  readonly weight: tf.Variable<tf.Rank.R1>;

  constructor(dim: number) {
    super();
    this.weight = this.parameter('weight', tf.ones([dim]) as tf.Tensor1D);
  }
}

/** A depthwise convolution with PyTorch's own initialisation, which no rule of the official code touches. */
class Convolution extends Module {
  readonly weight: tf.Variable<tf.Rank.R3>;
  readonly bias: tf.Variable<tf.Rank.R1>;

  constructor(channels: number, rng: Rng) {
    super();
    const shape: [number, number, number] = [channels, 1, TAPS];
    this.weight = this.parameter('weight', torchWeight<tf.Rank.R3>(shape, rng));
    this.bias = this.parameter('bias', torchBias(shape)<tf.Rank.R1>([channels], rng));
  }
}
